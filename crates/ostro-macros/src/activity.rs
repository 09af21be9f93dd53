//! `#[activity]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, FnArg, Ident, ItemFn, LitStr, Result};

use crate::arguments::{Parameters, encode_output, output};
use crate::options::{self, Written};

const OPTIONS: &[&str] = &[
    "name",
    "start_to_close_timeout",
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "heartbeat_timeout",
    "retry_policy_max_attempts",
    "retry_policy_backoff_coefficient",
    "retry_policy_initial_interval",
    "retry_policy_max_interval",
    "retry_policy_non_retryable",
    "sticky_to_worker",
    "rate_limit",
    "isolation",
    "cancellation",
];

pub fn expand(written: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut function: ItemFn = syn::parse2(item).map_err(|error| {
        Error::new(error.span(), "#[activity] stands on a function: `#[activity] async fn name(..) -> Result<T>`")
    })?;
    let ident = function.sig.ident.clone();
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        return Err(Error::new_spanned(
            receiver,
            "an activity is a free function: give it what it works on by `#[depends(provider)]`",
        ));
    }
    let what = format!("activity `{ident}`");
    let parameters = Parameters::of(&mut function.sig, &what, true)?;
    let output = output(&function.sig);
    let Options { name, fields, blocking_is_wrong } = read(&options::parse(written)?, &ident)?;
    let blocking = function.sig.asyncness.is_none();
    if let (true, Some(option)) = (blocking, blocking_is_wrong) {
        return Err(Error::new(
            option.span(),
            "a function without `async` runs on a thread, which cannot be dropped: look at activity::is_cancelled() in it",
        ));
    }

    let docs = docs(&function.attrs);
    let visibility = function.vis.clone();
    function.vis = syn::Visibility::Inherited;
    function.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
    let body = format_ident!("__{ident}");
    function.sig.ident = body.clone();

    let (declaration, encode) = (parameters.declaration(), parameters.encode());
    let (decode, resolve) = (parameters.decode(), parameters.resolve());
    let (order, kind) = (&parameters.order, &output.kind);
    let run = match blocking {
        false => output.settle(quote!(#body(#(#order),*).await)),
        true => {
            let call = output.settle(quote!(#body(#(#order),*)));
            quote!(::ostro::__private::on_a_thread(move || #call).await)
        }
    };
    let encode_output = encode_output(&run);
    Ok(quote! {
        #(#docs)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy)]
        #visibility struct #ident {}

        #(#docs)*
        #[allow(clippy::too_many_arguments)]
        #visibility fn #ident(#declaration) -> ::ostro::activity::ActivityCall<#kind> {
            ::ostro::activity::ActivityCall::new(<#ident as ::ostro::activity::ActivityFn>::ENTRY, #encode)
        }

        const _: () = {
            #[allow(clippy::too_many_arguments)]
            #function

            fn invoke(
                mut payloads: ::ostro::__private::Payloads,
            ) -> ::ostro::__private::BoxFuture<'static, ::ostro::Result<::ostro::__private::Payload>> {
                ::std::boxed::Box::pin(async move {
                    #decode
                    #resolve
                    #encode_output
                })
            }

            fn options() -> ::ostro::activity::ActivityOptions {
                #[allow(unused_mut)]
                let mut options = ::ostro::activity::ActivityOptions::default();
                #(#fields)*
                options
            }

            impl ::ostro::activity::ActivityFn for #ident {
                type Output = #kind;
                const ENTRY: &'static ::ostro::__private::ActivityEntry =
                    &::ostro::__private::ActivityEntry { name: #name, options, invoke };
            }

            ::ostro::__private::inventory::submit! {
                ::ostro::__private::Registered::Activity(<#ident as ::ostro::activity::ActivityFn>::ENTRY)
            }
        };
    })
}

pub fn docs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned().collect()
}

struct Options {
    name: LitStr,
    fields: Vec<TokenStream>,
    blocking_is_wrong: Option<Ident>,
}

fn read(written: &[Written], ident: &Ident) -> Result<Options> {
    let (mut name, mut fields, mut blocking_is_wrong) = (None, Vec::new(), None);
    for option in written {
        let key = &option.key;
        fields.push(match key.to_string().as_str() {
            "name" => {
                name = Some(option.text()?);
                continue;
            }
            "start_to_close_timeout" => {
                let value = option.duration()?;
                quote!(options.start_to_close_timeout = #value;)
            }
            "schedule_to_close_timeout"
            | "schedule_to_start_timeout"
            | "heartbeat_timeout"
            | "retry_policy_max_interval" => {
                let value = option.duration()?;
                quote!(options.#key = ::core::option::Option::Some(#value);)
            }
            "retry_policy_initial_interval" => {
                let value = option.duration()?;
                quote!(options.#key = #value;)
            }
            "retry_policy_max_attempts" | "retry_policy_backoff_coefficient" => {
                let value = option.expression()?;
                quote!(options.#key = #value;)
            }
            "retry_policy_non_retryable" => {
                let value = option.expression()?;
                quote!(options.#key = #value.into_iter().map(::std::string::String::from).collect();)
            }
            "sticky_to_worker" => {
                let value = option.flag();
                quote!(options.sticky_to_worker = #value;)
            }
            "rate_limit" => {
                let value = option.expression()?;
                quote!(options.rate_limit = ::core::option::Option::Some(#value);)
            }
            "isolation" => match option.text()?.value().as_str() {
                "process" => quote!(options.isolation = ::ostro::activity::Isolation::Process;),
                "none" => quote!(options.isolation = ::ostro::activity::Isolation::None;),
                _ => return Err(Error::new(key.span(), "`isolation` is \"none\" or \"process\"")),
            },
            "cancellation" => match option.text()?.value().as_str() {
                "drop" => quote!(options.drop_on_cancel = true;),
                "cooperate" => {
                    blocking_is_wrong = None;
                    quote!(options.drop_on_cancel = false;)
                }
                _ => return Err(Error::new(key.span(), "`cancellation` is \"drop\" or \"cooperate\"")),
            },
            _ => return Err(options::unknown(option, &format!("activity `{ident}`"), OPTIONS)),
        });
        if key == "cancellation" && option.text()?.value() == "drop" {
            blocking_is_wrong = Some(key.clone());
        }
    }
    Ok(Options { name: options::name_or(name, ident)?, fields, blocking_is_wrong })
}
