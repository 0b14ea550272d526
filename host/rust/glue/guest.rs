//! The same functions as methods of `Guest`, whichever way it runs.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use wit_parser::{Function, Type, TypeDefKind};

use super::types::{ident, parameter};
use super::{Contract, Interface};

impl Contract {
    /// The text of the methods.
    ///
    /// # Errors
    /// If the contract has something in it that the glue knows no way to carry.
    pub(crate) fn guest(&self) -> Result<String, String> {
        let mut methods = TokenStream::new();
        for interface in self.exported() {
            for function in self.functions(&interface) {
                methods.extend(self.delegation(&interface, function)?);
            }
        }
        Ok(quote!(impl Guest { #methods }).to_string())
    }

    fn delegation(&self, interface: &Interface, function: &Function) -> Result<TokenStream, String> {
        let (name, resource) = (self.function_name(interface.id, function), ident("Resource"));
        let (params, answer) = (self.parameters(function, &resource)?, self.answer(function, &resource)?);
        let (core, component) = (self.passed(function, "of_core"), self.passed(function, "of_component"));
        let (core_made, component_made) = (self.made(function, "Core"), self.made(function, "Component"));
        let interface = format_ident!("tidegate_policy_{}", self.module(interface.id));
        let of = self.resource_of(function).map(ident).map(|resource| quote!(.#resource()));
        let call = ident(&format!("call_{}", function.item_name()));
        Ok(quote! {
            #[inline]
            pub(crate) fn #name(&self, store: &mut Store<HostState>, #params) -> wasmtime::Result<#answer> {
                match self {
                    Self::Core(core) => core.#name(store, #core) #core_made,
                    #[cfg(feature = "compile")]
                    Self::Component(guest) => guest.#interface() #of .#call(store, #component) #component_made,
                }
            }
        })
    }

    /// The arguments, where a policy is what its method `handle` says.
    fn passed(&self, function: &Function, handle: &str) -> TokenStream {
        let handle = ident(handle);
        let passed = function.params.iter().map(|param| {
            let name = parameter(param);
            if self.is_handle(&param.ty) { quote!(#name.#handle()?) } else { quote!(#name) }
        });
        quote!(#(#passed),*)
    }

    /// What makes a resource of the policy that a function answers with, if it does.
    fn made(&self, function: &Function, way: &str) -> Option<TokenStream> {
        let Some(Type::Id(id)) = &function.result else { return None };
        let TypeDefKind::Result(result) = self.kind(*id) else { return None };
        let is_policy = result.ok.as_ref().is_some_and(|ty| self.is_handle(ty));
        let way: Ident = ident(way);
        is_policy.then(|| quote!(.map(|made| made.map(Resource::#way))))
    }
}
