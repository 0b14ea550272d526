//! What types and functions of the contract are called in Rust.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use wit_parser::{Function, FunctionKind, Int, InterfaceId, Param, Type, TypeDefKind, TypeId, TypeOwner};

use super::Contract;

impl Contract {
    /// The type behind its other names.
    pub(super) fn original(&self, mut id: TypeId) -> TypeId {
        while let TypeDefKind::Type(Type::Id(other)) = self.resolve.types[id].kind {
            id = other;
        }
        id
    }

    pub(super) fn kind(&self, id: TypeId) -> &TypeDefKind {
        &self.resolve.types[self.original(id)].kind
    }

    /// What a record, variant or enum is called, by which its functions are named too.
    pub(super) fn named(&self, id: TypeId) -> Option<String> {
        let ty = &self.resolve.types[id];
        let has_functions = matches!(ty.kind, TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_));
        let TypeOwner::Interface(interface) = ty.owner else { return None };
        has_functions.then(|| format!("{}_{}", self.module(interface), snake(ty.name.as_deref().unwrap_or_default())))
    }

    /// The last part of an interface's path in the bindings.
    pub(super) fn module(&self, interface: InterfaceId) -> Ident {
        ident(self.resolve.interfaces[interface].name.as_deref().unwrap_or_default())
    }

    /// The type in Rust, where a policy is of the type `handle`.
    pub(super) fn rust(&self, ty: &Type, handle: &Ident) -> Result<TokenStream, String> {
        Ok(match ty {
            Type::Bool => quote!(bool),
            Type::U32 => quote!(u32),
            Type::S32 => quote!(i32),
            Type::U64 => quote!(u64),
            Type::F64 => quote!(f64),
            Type::String => quote!(String),
            Type::Id(id) => self.rust_of(self.original(*id), handle)?,
            other => return Err(format!("the glue carries no {other:?}")),
        })
    }

    fn rust_of(&self, id: TypeId, handle: &Ident) -> Result<TokenStream, String> {
        let or_unit = |ty: &Option<Type>| ty.as_ref().map_or(Ok(quote!(())), |ty| self.rust(ty, handle));
        Ok(match &self.resolve.types[id].kind {
            TypeDefKind::Option(some) => {
                let some = self.rust(some, handle)?;
                quote!(Option<#some>)
            }
            TypeDefKind::List(element) => {
                let element = self.rust(element, handle)?;
                quote!(Vec<#element>)
            }
            TypeDefKind::Result(result) => {
                let (ok, err) = (or_unit(&result.ok)?, or_unit(&result.err)?);
                quote!(Result<#ok, #err>)
            }
            TypeDefKind::Handle(_) => quote!(#handle),
            _ => self.path(id)?,
        })
    }

    /// Where the bindings have a type of the contract.
    pub(super) fn path(&self, id: TypeId) -> Result<TokenStream, String> {
        let ty = &self.resolve.types[id];
        let TypeOwner::Interface(interface) = ty.owner else {
            return Err(format!("the glue carries no {}", ty.kind.as_str()));
        };
        let (module, name) = (self.module(interface), camel(ty.name.as_deref().unwrap_or_default()));
        Ok(quote!(wit::#module::#name))
    }

    /// The parameters of a function, where a policy is of the type `handle`. What holds text or a
    /// list is taken by reference.
    pub(super) fn parameters(&self, function: &Function, handle: &Ident) -> Result<TokenStream, String> {
        let parameters = function.params.iter().map(|param| {
            let (name, ty) = (parameter(param), self.parameter_type(&param.ty, handle)?);
            Ok::<_, String>(quote!(#name: #ty))
        });
        let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
        Ok(quote!(#(#parameters),*))
    }

    fn parameter_type(&self, ty: &Type, handle: &Ident) -> Result<TokenStream, String> {
        if let Type::Id(id) = ty
            && let TypeDefKind::List(element) = self.kind(*id)
        {
            let element = self.rust(element, handle)?;
            return Ok(quote!(&[#element]));
        }
        let rust = self.rust(ty, handle)?;
        Ok(match (ty, self.holds_lists(ty)) {
            (Type::String, _) => quote!(&str),
            (_, true) => quote!(&#rust),
            (_, false) => rust,
        })
    }

    /// What a function answers, where a policy is of the type `handle`.
    pub(super) fn answer(&self, function: &Function, handle: &Ident) -> Result<TokenStream, String> {
        function.result.as_ref().map_or(Ok(quote!(())), |ty| self.rust(ty, handle))
    }

    /// Whether a value owns memory of its own.
    pub(super) fn holds_lists(&self, ty: &Type) -> bool {
        let Type::Id(id) = ty else { return matches!(ty, Type::String) };
        match self.kind(*id) {
            TypeDefKind::List(_) => true,
            TypeDefKind::Record(record) => record.fields.iter().any(|field| self.holds_lists(&field.ty)),
            TypeDefKind::Variant(variant) => {
                variant.cases.iter().filter_map(|case| case.ty.as_ref()).any(|ty| self.holds_lists(ty))
            }
            TypeDefKind::Option(some) => self.holds_lists(some),
            TypeDefKind::Result(result) => {
                [&result.ok, &result.err].into_iter().flatten().any(|ty| self.holds_lists(ty))
            }
            _ => false,
        }
    }

    pub(super) fn is_handle(&self, ty: &Type) -> bool {
        matches!(ty, Type::Id(id) if matches!(self.kind(*id), TypeDefKind::Handle(_)))
    }

    pub(super) fn size(&self, ty: &Type) -> usize {
        self.sizes.size(ty).size_wasm32()
    }

    pub(super) fn align(&self, ty: &Type) -> usize {
        self.sizes.align(ty).align_wasm32()
    }

    /// Where the payload of an option, a result or a variant lies.
    pub(super) fn payload<'a>(&self, tag: Int, cases: impl IntoIterator<Item = Option<&'a Type>>) -> usize {
        self.sizes.payload_offset(tag, cases).size_wasm32()
    }

    /// What the glue calls a function: its interface or resource, and its own name.
    pub(super) fn function_name(&self, interface: InterfaceId, function: &Function) -> Ident {
        let name = snake(function.item_name());
        match self.resource_of(function) {
            Some(resource) => format_ident!("{}_{name}", snake(resource)),
            None => format_ident!("{}_{name}", self.module(interface)),
        }
    }

    /// The resource whose function it is.
    pub(super) fn resource_of(&self, function: &Function) -> Option<&str> {
        match function.kind {
            FunctionKind::Method(id) | FunctionKind::Static(id) | FunctionKind::Constructor(id) => {
                self.resolve.types[id].name.as_deref()
            }
            _ => None,
        }
    }
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// A name of the contract as that of a module, function or field.
pub(super) fn ident(name: &str) -> Ident {
    Ident::new(&snake(name), Span::call_site())
}

/// A name of the contract as that of a type or case.
pub(super) fn camel(name: &str) -> Ident {
    let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    Ident::new(&words.collect::<String>(), Span::call_site())
}

/// The name of a parameter, where `self` is taken.
pub(super) fn parameter(param: &Param) -> Ident {
    ident(if param.name == "self" { "this" } else { &param.name })
}
