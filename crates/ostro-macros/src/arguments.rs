//! The parameters and the return type of what an attribute stands on.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Error, Expr, FnArg, GenericArgument, Ident, Pat, PathArguments, Result, ReturnType, Signature, Token, Type,
    parse_quote,
};

/// A parameter that is part of the input.
pub struct Argument {
    /// What it is called in the generated function and in errors.
    pub name: Ident,
    pub kind: Type,
}

/// `#[depends(provider)]` or `#[depends(provider, scope = call)]`.
pub struct Dependency {
    pub argument: Argument,
    pub provider: Expr,
    pub per_call: bool,
}

#[derive(Default)]
pub struct Parameters {
    pub arguments: Vec<Argument>,
    pub dependencies: Vec<Dependency>,
    /// All of them in order, as the body's function takes them.
    pub order: Vec<Ident>,
}

pub struct Output {
    pub kind: Type,
    /// Whether the function returns `Result<kind, _>`.
    pub fallible: bool,
}

impl Parameters {
    /// Reads the parameters after `self`, and takes `#[depends]` off them.
    pub fn of(signature: &mut Signature, what: &str, with_dependencies: bool) -> Result<Self> {
        if let Some(generic) = signature.generics.params.first() {
            let message = format!("{what} cannot be generic: it is found by its name, so there is one of it");
            return Err(Error::new(generic.span(), message));
        }
        let mut parameters = Self::default();
        for (index, input) in signature.inputs.iter_mut().enumerate() {
            let FnArg::Typed(input) = input else { continue };
            let name = match &*input.pat {
                Pat::Ident(ident) => ident.ident.clone(),
                _ => format_ident!("argument{index}"),
            };
            if let Type::Reference(reference) = &*input.ty {
                return Err(Error::new(
                    reference.span(),
                    format!(
                        "`{name}` of {what} must be owned: it comes out of the history, so there is nothing to borrow from. Write `String` for `&str`, `Vec<T>` for `&[T]`"
                    ),
                ));
            }
            let argument = Argument { name: name.clone(), kind: (*input.ty).clone() };
            let depends = input.attrs.iter().position(|attribute| attribute.path().is_ident("depends"));
            parameters.order.push(name);
            match depends.map(|at| input.attrs.remove(at)) {
                None => parameters.arguments.push(argument),
                Some(attribute) if with_dependencies => {
                    let (provider, per_call) = attribute.parse_args_with(dependency)?;
                    parameters.dependencies.push(Dependency { argument, provider, per_call });
                }
                Some(attribute) => {
                    return Err(Error::new(
                        attribute.span(),
                        "only activities have dependencies: a workflow replays, so it takes what it needs from activities",
                    ));
                }
            }
        }
        Ok(parameters)
    }

    pub fn names(&self) -> Vec<&Ident> {
        self.arguments.iter().map(|argument| &argument.name).collect()
    }

    /// `items: Vec<String>, limit: u32`
    pub fn declaration(&self) -> TokenStream {
        let (names, kinds): (Vec<_>, Vec<_>) = self.arguments.iter().map(|a| (&a.name, &a.kind)).unzip();
        quote!(#(#names: #kinds),*)
    }

    /// An expression of type `Arguments`, from variables of the arguments' names.
    pub fn encode(&self) -> TokenStream {
        let names = self.names();
        let texts = names.iter().map(|name| name.to_string());
        let encoded = names.iter().map(|name| probe(&quote!(&#name)));
        quote!(::ostro::__private::Arguments::new()#(.push(#texts, #encoded))*)
    }

    /// Statements that make variables of the arguments out of the `Payloads` in `payloads`.
    pub fn decode(&self) -> TokenStream {
        let (names, kinds): (Vec<_>, Vec<_>) = self.arguments.iter().map(|a| (&a.name, &a.kind)).unzip();
        let texts = names.iter().map(|name| name.to_string());
        quote! {
            #(let #names: #kinds = payloads.take(#texts)?;)*
            payloads.finish()?;
        }
    }

    /// Statements that make variables of the dependencies.
    pub fn resolve(&self) -> TokenStream {
        let one = self.dependencies.iter().map(|dependency| {
            let Dependency { argument: Argument { name, kind, .. }, provider, per_call } = dependency;
            let resolve = if *per_call { quote!(resolve_for_call) } else { quote!(resolve_for_worker) };
            quote!(let #name: #kind = ::ostro::__private::#resolve(#provider).await?;)
        });
        quote!(#(#one)*)
    }
}

/// An expression of type `Encoded`, of a reference to a value.
fn probe(reference: &TokenStream) -> TokenStream {
    quote!({
        #[allow(unused_imports)]
        use ::ostro::__private::{ByEquality as _, ByForm as _, ByParts as _};
        (&&&::ostro::__private::Probe(::ostro::__private::writable(#reference))).encode()
    })
}

/// An expression of type `Result<Payload>`, of one of type `Result<output>`; it returns where that is an error.
pub fn encode_output(output: &TokenStream) -> TokenStream {
    let encoded = probe(&quote!(&output));
    quote!({
        let output = #output?;
        ::ostro::__private::encode_output(#encoded)
    })
}

fn dependency(input: syn::parse::ParseStream) -> Result<(Expr, bool)> {
    let provider: Expr = input.parse()?;
    if input.is_empty() {
        return Ok((provider, false));
    }
    input.parse::<Token![,]>()?;
    let key: Ident = input.parse()?;
    input.parse::<Token![=]>()?;
    let scope: Ident = input.parse()?;
    match (key.to_string().as_str(), scope.to_string().as_str()) {
        ("scope", "worker") => Ok((provider, false)),
        ("scope", "call") => Ok((provider, true)),
        _ => Err(Error::new(
            key.span(),
            "write `#[depends(provider)]` for one value for each worker, or `#[depends(provider, scope = call)]` for one for each call",
        )),
    }
}

/// What a function returns: `Result<T, E>` counts as `T` that may fail.
pub fn output(signature: &Signature) -> Output {
    let ReturnType::Type(_, kind) = &signature.output else {
        return Output { kind: parse_quote!(()), fallible: false };
    };
    if let Type::Path(path) = &**kind
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
    {
        let arguments: Punctuated<GenericArgument, Token![,]> = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.clone(),
            _ => Punctuated::new(),
        };
        if let Some(GenericArgument::Type(kind)) = arguments.first() {
            return Output { kind: kind.clone(), fallible: true };
        }
        return Output { kind: parse_quote!(()), fallible: true };
    }
    Output { kind: (**kind).clone(), fallible: false }
}

impl Output {
    /// `call` as a `Result<kind, ostro::Error>`.
    pub fn settle(&self, call: TokenStream) -> TokenStream {
        let kind = &self.kind;
        if self.fallible {
            quote!(::core::result::Result::<#kind, _>::map_err(#call, ::ostro::Error::from))
        } else {
            quote!(::core::result::Result::<#kind, ::ostro::Error>::Ok(#call))
        }
    }
}
