//! The methods of a workflow's `impl` block: `#[entrypoint]`, `#[init]`, `#[signal]`, `#[query]`, `#[update]`, `#[validator]`.
//!
//! Each marked method moves behind a hidden name. In its place comes a function without `self` that makes what a client
//! or another workflow sends: a `WorkflowCall`, a `Signal`, a `Query`, an `Update`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, LitStr, Result, Signature, Type};

use crate::activity::docs;
use crate::arguments::{Output, Parameters, encode_output, output};
use crate::{determinism, options};

const MARKS: &[&str] = &["entrypoint", "init", "signal", "query", "update", "validator"];

pub struct Methods {
    /// What was not marked, as it was written.
    pub kept: ItemImpl,
    /// What takes the place of the marked methods.
    pub public: Vec<TokenStream>,
    /// The marked methods behind their hidden names.
    pub bodies: Vec<TokenStream>,
    /// Initialisers of `HandlerEntry`.
    pub entries: Vec<TokenStream>,
    pub run: TokenStream,
    pub create: TokenStream,
    pub output: Type,
}

struct Marked {
    mark: Ident,
    attribute: Attribute,
    method: ImplItemFn,
}

impl Methods {
    pub fn split(mut block: ItemImpl, target: &Ident) -> Result<Self> {
        let mut marked = Vec::new();
        let mut kept = Vec::new();
        for item in block.items {
            match item {
                ImplItem::Fn(method) => match Marked::of(method)? {
                    Ok(method) => marked.push(method),
                    Err(method) => {
                        determinism::check(&method.block.to_token_stream())?;
                        kept.push(ImplItem::Fn(method));
                    }
                },
                other => kept.push(other),
            }
        }
        block.items = kept;
        let entrypoints: Vec<&Marked> = marked.iter().filter(|method| method.mark == "entrypoint").collect();
        let [_] = entrypoints.as_slice() else {
            let at = entrypoints.get(1).map_or(target.span(), |second| second.method.sig.ident.span());
            return Err(Error::new(
                at,
                format!("workflow `{target}` needs exactly one #[entrypoint], and has {}", entrypoints.len()),
            ));
        };
        let mut methods = Self {
            kept: block,
            public: Vec::new(),
            bodies: Vec::new(),
            entries: Vec::new(),
            run: TokenStream::new(),
            create: quote!(|_| Ok(::std::rc::Rc::new(<#target as ::core::default::Default>::default()))),
            output: syn::parse_quote!(()),
        };
        let validators = validators(&marked)?;
        for one in marked {
            methods.add(one, target, &validators)?;
        }
        Ok(methods)
    }

    fn add(&mut self, marked: Marked, target: &Ident, validators: &[(Ident, Ident)]) -> Result<()> {
        let Marked { mark, attribute, mut method } = marked;
        determinism::check(&method.block.to_token_stream())?;
        let ident = method.sig.ident.clone();
        let what = format!("{mark} `{ident}`");
        if mark == "validator" {
            needs_shared_self(&method.sig, &what)?;
            method.vis = syn::Visibility::Inherited;
            method.sig.ident = format_ident!("__validator_{ident}");
            self.bodies.push(method.to_token_stream());
            return Ok(());
        }
        let parameters = Parameters::of(&mut method.sig, &what, false)?;
        let output = output(&method.sig);
        let hidden = format_ident!("__{mark}_{ident}");
        let documentation: Vec<Attribute> = docs(&method.attrs);
        let visibility = method.vis.clone();
        method.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
        method.vis = syn::Visibility::Inherited;
        method.sig.ident = hidden.clone();

        let kind = &output.kind;
        let (declaration, encode) = (parameters.declaration(), parameters.encode());
        let name = name_of(&attribute, &ident)?;
        match mark.to_string().as_str() {
            "entrypoint" => {
                needs_shared_self(&method.sig, &what)?;
                needs_async(&method.sig, &what)?;
                self.output = kind.clone();
                self.run = run(target, &hidden, &parameters, &output);
                self.public.push(quote! {
                    #(#documentation)*
                    #visibility fn #ident(#declaration) -> ::ostro::workflow::WorkflowCall<#target> {
                        ::ostro::workflow::WorkflowCall::new(#encode)
                    }
                });
            }
            "init" => {
                let (decode, order) = (parameters.decode(), &parameters.order);
                let made = output.settle(quote!(<#target>::#hidden(#(#order),*)));
                self.create = quote!(|mut payloads| {
                    #decode
                    Ok(::std::rc::Rc::new(#made?))
                });
            }
            handler => {
                needs_shared_self(&method.sig, &what)?;
                if handler == "query" && method.sig.asyncness.is_some() {
                    return Err(Error::new(
                        method.sig.span(),
                        format!("{what} cannot be async: it answers from the state as it is"),
                    ));
                }
                if handler == "signal" && !matches!(kind, Type::Tuple(unit) if unit.elems.is_empty()) {
                    return Err(Error::new(
                        method.sig.output.span(),
                        format!("{what} answers nothing: use #[update] where the sender waits for an answer"),
                    ));
                }
                let validator = validators.iter().find(|(of, _)| *of == ident).map(|(_, validator)| validator);
                let is_async = method.sig.asyncness.is_some();
                self.entries.push(entry(handler, &name, target, &hidden, &parameters, &output, is_async, validator));
                let message = match handler {
                    "signal" => quote!(::ostro::workflow::Signal<#target>),
                    "query" => quote!(::ostro::workflow::Query<#target, #kind>),
                    _ => quote!(::ostro::workflow::Update<#target, #kind>),
                };
                self.public.push(quote! {
                    #(#documentation)*
                    #visibility fn #ident(#declaration) -> #message {
                        <#message>::new(#name, #encode)
                    }
                });
            }
        }
        self.bodies.push(method.to_token_stream());
        Ok(())
    }
}

impl Marked {
    /// The inner error is the method itself where it is not marked.
    fn of(mut method: ImplItemFn) -> Result<std::result::Result<Self, ImplItemFn>> {
        let is_mark = |attribute: &Attribute| MARKS.iter().any(|mark| attribute.path().is_ident(mark));
        let Some(at) = method.attrs.iter().position(is_mark) else { return Ok(Err(method)) };
        let attribute = method.attrs.remove(at);
        if let Some(second) = method.attrs.iter().find(|attribute| is_mark(attribute)) {
            return Err(Error::new(
                second.span(),
                "a method is one of entrypoint, init, signal, query, update and validator",
            ));
        }
        let mark = attribute.path().require_ident()?.clone();
        Ok(Ok(Self { mark, attribute, method }))
    }
}

/// Pairs of an update and its validator.
fn validators(marked: &[Marked]) -> Result<Vec<(Ident, Ident)>> {
    let mut pairs = Vec::new();
    for one in marked.iter().filter(|one| one.mark == "validator") {
        let of: Ident = one.attribute.parse_args().map_err(|_| {
            Error::new(one.attribute.span(), "name the update that it validates: `#[validator(update_name)]`")
        })?;
        if !marked.iter().any(|update| update.mark == "update" && update.method.sig.ident == of) {
            return Err(Error::new(of.span(), format!("there is no #[update] `{of}` in this impl block")));
        }
        let hidden = format_ident!("__validator_{}", one.method.sig.ident);
        pairs.push((of, hidden));
    }
    Ok(pairs)
}

/// `#[signal(name = "add")]`, or the method's name.
fn name_of(attribute: &Attribute, ident: &Ident) -> Result<LitStr> {
    if attribute.path().is_ident("validator") || matches!(attribute.meta, syn::Meta::Path(_)) {
        return options::name_or(None, ident);
    }
    let written = options::parse(attribute.meta.require_list()?.tokens.clone())?;
    match written.as_slice() {
        [one] if one.key == "name" => options::name_or(Some(one.text()?), ident),
        [] => options::name_or(None, ident),
        [one, ..] => Err(options::unknown(one, &format!("`{ident}`"), &["name"])),
    }
}

fn needs_shared_self(signature: &Signature, what: &str) -> Result<()> {
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) if receiver.reference.is_some() && receiver.mutability.is_none() => Ok(()),
        Some(FnArg::Receiver(receiver)) => Err(Error::new(
            receiver.span(),
            format!(
                "{what} takes `&self`: handlers run while the entrypoint waits, so nothing can hold the state for itself. Keep what changes in fields of type `workflow::Var<T>`"
            ),
        )),
        _ => Err(Error::new(signature.ident.span(), format!("{what} takes `&self`"))),
    }
}

fn needs_async(signature: &Signature, what: &str) -> Result<()> {
    match signature.asyncness {
        Some(_) => Ok(()),
        None => Err(Error::new(
            signature.fn_token.span(),
            format!("{what} waits for what it coordinates: write `async fn`"),
        )),
    }
}

fn run(target: &Ident, hidden: &Ident, parameters: &Parameters, output: &Output) -> TokenStream {
    let (decode, order) = (parameters.decode(), &parameters.order);
    let encode_output = encode_output(&output.settle(quote!(state.#hidden(#(#order),*).await)));
    quote! {
        fn run(
            state: ::std::rc::Rc<dyn ::core::any::Any>,
            mut payloads: ::ostro::__private::Payloads,
        ) -> ::ostro::__private::LocalBoxFuture<'static, ::ostro::Result<::ostro::__private::Payload>> {
            ::std::boxed::Box::pin(async move {
                #decode
                let state = ::ostro::__private::state::<#target>(&state);
                #encode_output
            })
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn entry(
    handler: &str,
    name: &LitStr,
    target: &Ident,
    hidden: &Ident,
    parameters: &Parameters,
    output: &Output,
    is_async: bool,
    validator: Option<&Ident>,
) -> TokenStream {
    let (decode, order) = (parameters.decode(), &parameters.order);
    let wait = is_async.then(|| quote!(.await));
    let call = output.settle(quote!(state.#hidden(#(#order),*) #wait));
    let encode_output = encode_output(&call);
    let state = quote!(let state = ::ostro::__private::state::<#target>(&state););
    let kind = match handler {
        "signal" => quote!(::ostro::__private::HandlerKind::Signal(|state, mut payloads| {
            ::std::boxed::Box::pin(async move {
                #decode
                #state
                #call
            })
        })),
        "query" => quote!(::ostro::__private::HandlerKind::Query(|state, mut payloads| {
            #decode
            #state
            #encode_output
        })),
        _ => {
            let validate = match validator {
                None => quote!(::core::option::Option::None),
                Some(validator) => {
                    let names = parameters.names();
                    quote!(::core::option::Option::Some(|state, mut payloads| {
                        #decode
                        #state
                        ::ostro::__private::validation(state.#validator(#(&#names),*))
                    }))
                }
            };
            quote!(::ostro::__private::HandlerKind::Update {
                handle: |state, mut payloads| {
                    ::std::boxed::Box::pin(async move {
                        #decode
                        #state
                        #encode_output
                    })
                },
                validate: #validate,
            })
        }
    };
    quote!(::ostro::__private::HandlerEntry { name: #name, kind: #kind })
}
