//! `#[workflow]` on a function, and on an `impl` block (see `handlers.rs` for the methods in it).

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Error, Ident, Item, ItemFn, ItemImpl, LitStr, Result};

use crate::activity::docs;
use crate::arguments::{Parameters, encode_output, output};
use crate::options::{self, Written};
use crate::{determinism, handlers};

const OPTIONS: &[&str] = &["name", "execution_timeout", "run_timeout", "task_timeout", "schedules"];

pub fn expand(written: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let written = options::parse(written)?;
    match syn::parse2(item)? {
        Item::Fn(function) => of_function(&written, function),
        Item::Impl(block) => of_impl(&written, block),
        other => Err(Error::new_spanned(
            other,
            "#[workflow] stands on an `async fn`, or on an `impl` block with one #[entrypoint]",
        )),
    }
}

fn of_function(written: &[Written], mut function: ItemFn) -> Result<TokenStream> {
    let ident = function.sig.ident.clone();
    if function.sig.asyncness.is_none() {
        return Err(Error::new_spanned(
            function.sig.fn_token,
            "a workflow waits for what it coordinates: write `async fn`",
        ));
    }
    determinism::check(&function.block.to_token_stream())?;
    let parameters = Parameters::of(&mut function.sig, &format!("workflow `{ident}`"), false)?;
    let output = output(&function.sig);
    let options = Options::read(written, &ident)?;

    let docs = docs(&function.attrs);
    let visibility = function.vis.clone();
    function.vis = syn::Visibility::Inherited;
    function.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
    let body = format_ident!("__{ident}");
    function.sig.ident = body.clone();

    let (declaration, encode, decode) = (parameters.declaration(), parameters.encode(), parameters.decode());
    let (order, kind) = (&parameters.order, &output.kind);
    let run = output.settle(quote!(#body(#(#order),*).await));
    let definition = definition(&quote!(#ident), &options, kind, &quote!(|_| Ok(::std::rc::Rc::new(()))), &[]);
    let encode_output = encode_output(&run);
    Ok(quote! {
        #(#docs)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy)]
        #visibility struct #ident {}

        #(#docs)*
        #[allow(clippy::too_many_arguments)]
        #visibility fn #ident(#declaration) -> ::ostro::workflow::WorkflowCall<#ident> {
            ::ostro::workflow::WorkflowCall::new(#encode)
        }

        const _: () = {
            #[allow(clippy::too_many_arguments)]
            #function

            fn run(
                _state: ::std::rc::Rc<dyn ::core::any::Any>,
                mut payloads: ::ostro::__private::Payloads,
            ) -> ::ostro::__private::LocalBoxFuture<'static, ::ostro::Result<::ostro::__private::Payload>> {
                ::std::boxed::Box::pin(async move {
                    #decode
                    #encode_output
                })
            }
            #definition
        };
    })
}

fn of_impl(written: &[Written], block: ItemImpl) -> Result<TokenStream> {
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            path,
            "#[workflow] stands on the type's own `impl` block, not on that of a trait",
        ));
    }
    let target = &block.self_ty;
    let ident: Ident = syn::parse2(quote!(#target))
        .map_err(|_| Error::new_spanned(target, "the type of a workflow has neither generics nor a path"))?;
    let options = Options::read(written, &ident)?;
    let methods = handlers::Methods::split(block, &ident)?;

    let (public, bodies, run) = (&methods.public, &methods.bodies, &methods.run);
    let (kind, create) = (&methods.output, &methods.create);
    let definition = definition(&quote!(#ident), &options, kind, create, &methods.entries);
    let kept = &methods.kept;
    Ok(quote! {
        #kept
        impl #ident {
            #(#public)*
        }
        const _: () = {
            impl #ident {
                #(#bodies)*
            }
            #run
            #definition
        };
    })
}

fn definition(
    ident: &TokenStream,
    options: &Options,
    kind: &syn::Type,
    create: &TokenStream,
    handlers: &[TokenStream],
) -> TokenStream {
    let Options { name, fields } = options;
    quote! {
        fn options() -> ::ostro::workflow::WorkflowOptions {
            #[allow(unused_mut)]
            let mut options = ::ostro::workflow::WorkflowOptions::default();
            #(#fields)*
            options
        }

        impl ::ostro::workflow::WorkflowFn for #ident {
            type Output = #kind;
            const ENTRY: &'static ::ostro::__private::WorkflowEntry = &::ostro::__private::WorkflowEntry {
                name: #name,
                options,
                create: #create,
                run,
                handlers: &[#(#handlers),*],
            };
        }

        ::ostro::__private::inventory::submit! {
            ::ostro::__private::Registered::Workflow(<#ident as ::ostro::workflow::WorkflowFn>::ENTRY)
        }
    }
}

struct Options {
    name: LitStr,
    fields: Vec<TokenStream>,
}

impl Options {
    fn read(written: &[Written], ident: &Ident) -> Result<Self> {
        let (mut name, mut fields) = (None, Vec::new());
        for option in written {
            let key = &option.key;
            match key.to_string().as_str() {
                "name" => name = Some(option.text()?),
                "execution_timeout" | "run_timeout" | "task_timeout" => {
                    let value = option.duration()?;
                    fields.push(quote!(options.#key = ::core::option::Option::Some(#value);));
                }
                "schedules" => {
                    let value = option.expression()?;
                    fields.push(
                        quote!(options.schedules = #value.into_iter().map(::std::string::String::from).collect();),
                    );
                }
                _ => return Err(options::unknown(option, &format!("workflow `{ident}`"), OPTIONS)),
            }
        }
        Ok(Self { name: options::name_or(name, ident)?, fields })
    }
}
