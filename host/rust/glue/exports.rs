//! The functions that the core module exports, as methods of `Core`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use wit_parser::abi::{AbiVariant, WasmSignature};
use wit_parser::{Function, Type, TypeDefKind};

use super::flat::{argument, core};
use super::types::{camel, ident, parameter};
use super::{Contract, Interface};

/// What is made of all functions together.
#[derive(Default)]
struct Parts {
    fields: TokenStream,
    found: TokenStream,
    methods: TokenStream,
    kinds: TokenStream,
    destructors: TokenStream,
}

impl Contract {
    pub(super) fn exports(&self) -> Result<TokenStream, String> {
        let mut parts = Parts::default();
        for interface in self.exported() {
            for resource in self.resources(&interface) {
                parts.add_resource(&interface.name, &resource);
            }
            for function in self.functions(&interface) {
                self.add_function(&mut parts, &interface, function)?;
            }
        }
        let (names, Parts { fields, found, methods, kinds, destructors }) = (self.export_names(), parts);
        Ok(quote! {
            /// What the core module exports.
            pub(crate) const EXPORTS: &[&str] = &[#(#names),*];

            /// The resources of the contract.
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            enum Kind { #kinds }

            /// The functions of an instance of the core module.
            pub(super) struct Functions { #fields }

            impl Functions {
                pub(super) fn new(found: &mut Found<'_>) -> wasmtime::Result<Self> {
                    Ok(Self { #found })
                }

                fn destructor(&self, kind: Kind) -> Option<&TypedFunc<(i32,), ()>> {
                    match kind { #destructors }
                }
            }

            impl Core { #methods }
        })
    }

    /// The names of all functions that the core module must export.
    pub(crate) fn export_names(&self) -> Vec<String> {
        let names = |interface: Interface| {
            self.functions(&interface).map(|function| export_name(&interface, function)).collect::<Vec<_>>()
        };
        self.exported().into_iter().flat_map(names).collect()
    }

    /// The resources of an interface.
    pub(super) fn resources(&self, interface: &Interface) -> Vec<String> {
        let types = self.resolve.interfaces[interface.id].types.iter();
        let is_resource = |id| matches!(self.resolve.types[id].kind, TypeDefKind::Resource);
        types.filter(|(_, id)| is_resource(**id)).map(|(name, _)| name.clone()).collect()
    }

    fn add_function(&self, parts: &mut Parts, interface: &Interface, function: &Function) -> Result<(), String> {
        let signature = self.resolve.wasm_signature(AbiVariant::GuestExport, function);
        let (name, export) = (self.function_name(interface.id, function), export_name(interface, function));
        let params = signature.params.iter().map(|ty| core(*ty));
        let result = signature.results.first().map_or(quote!(()), |ty| core(*ty));
        parts.fields.extend(quote!(#name: TypedFunc<(#(#params,)*), #result>,));
        parts.found.extend(quote!(#name: found.function(#export)?,));
        if self.has_post_return(function) {
            let (post, export) = (format_ident!("{name}_post"), format!("cabi_post_{export}"));
            parts.fields.extend(quote!(#post: Option<TypedFunc<(#result,), ()>>,));
            parts.found.extend(quote!(#post: found.function_if_any(#export)?,));
        }
        parts.methods.extend(self.method(interface, function, &signature)?);
        Ok(())
    }

    /// Whether what the function answers lies in memory that the module frees when it is read.
    fn has_post_return(&self, function: &Function) -> bool {
        function.result.as_ref().is_some_and(|ty| self.holds_lists(ty))
    }

    /// The method of `Core` that calls a function.
    fn method(
        &self,
        interface: &Interface,
        function: &Function,
        signature: &WasmSignature,
    ) -> Result<TokenStream, String> {
        let (name, handle) = (self.function_name(interface.id, function), ident("Handle"));
        let (params, answer) = (self.parameters(function, &handle)?, self.answer(function, &handle)?);
        let flat = if signature.indirect_params { self.in_memory(function)? } else { self.as_numbers(function)? };
        let arguments = signature.params.iter().enumerate().map(|(index, ty)| argument(*ty, index));
        let lifted = self.lifted(function, signature)?;
        let post = self.has_post_return(function).then(|| {
            let post = format_ident!("{name}_post");
            quote!(if let Some(post) = &self.functions.#post { post.call(&mut *store, (result,))?; })
        });
        Ok(quote! {
            pub(crate) fn #name(&self, store: &mut Store<HostState>, #params) -> wasmtime::Result<#answer> {
                #flat
                let result = self.functions.#name.call(&mut *store, (#(#arguments,)*))?;
                let answer = #lifted;
                #post
                Ok(answer)
            }
        })
    }

    /// The arguments as numbers in `flat`.
    fn as_numbers(&self, function: &Function) -> Result<TokenStream, String> {
        let (mut puts, mut len) = (TokenStream::new(), 0);
        for param in &function.params {
            let name = parameter(param);
            if self.is_handle(&param.ty) {
                puts.extend(quote!(flat[#len] = #name.address.into();));
                len += 1;
            } else {
                puts.extend(self.flatten(&param.ty, &self.reference(&param.ty, &name), len)?);
                len += self.flat_len(&param.ty)?;
            }
        }
        let writes = function.params.iter().any(|param| self.holds_lists(&param.ty));
        let into = writes.then(|| quote!(let into = &mut Lowering::new(&mut *store, self.memory);));
        Ok(quote!(let mut flat = [0_u64; #len]; #into #puts))
    }

    /// The arguments in memory, where they are more numbers than a function takes: `flat` is their
    /// address.
    fn in_memory(&self, function: &Function) -> Result<TokenStream, String> {
        let types: Vec<_> = function.params.iter().map(|param| &param.ty).collect();
        let info = self.sizes.params(types.iter().copied());
        let (size, align) = (info.size.size_wasm32(), info.align.align_wasm32());
        let offsets = self.sizes.field_offsets(types);
        let writes =
            function.params.iter().zip(offsets).map(|(param, (offset, ty))| {
                self.lower(ty, &self.reference(ty, &parameter(param)), offset.size_wasm32())
            });
        let writes = writes.collect::<Result<Vec<_>, _>>()?;
        Ok(quote! {
            let into = &mut Lowering::new(&mut *store, self.memory);
            let at = into.space(#size, #align)?;
            let flat = [memory::address(at)];
            #(#writes)*
        })
    }

    /// An expression that refers to a parameter.
    fn reference(&self, ty: &Type, name: &proc_macro2::Ident) -> TokenStream {
        if self.holds_lists(ty) { quote!(#name) } else { quote!(&#name) }
    }

    /// The answer, of what the core function returned as `result`.
    fn lifted(&self, function: &Function, signature: &WasmSignature) -> Result<TokenStream, String> {
        let Some(ty) = &function.result else { return Ok(quote!(result)) };
        if signature.retptr {
            let (size, value) = (self.size(ty), self.lift(ty, 0)?);
            return Ok(quote!({
                let m = self.memory.data(&*store);
                let a = memory::area::<#size>(m, result)?;
                #value
            }));
        }
        Ok(match ty {
            Type::Bool => quote!(result != 0),
            Type::U32 | Type::U64 => quote!(result.cast_unsigned()),
            Type::Id(id) => match self.named(self.original(*id)) {
                Some(name) => {
                    let lift = format_ident!("lift_{name}");
                    quote!(#lift(&[], &[memory::tag(u64::from(result.cast_unsigned()))?])?)
                }
                None => return Err(format!("the glue reads no {} as a number", self.kind(*id).as_str())),
            },
            other => return Err(format!("the glue reads no {other:?} as a number")),
        })
    }
}

fn export_name(interface: &Interface, function: &Function) -> String {
    format!("{}#{}", interface.name, function.name)
}

impl Parts {
    fn add_resource(&mut self, interface: &str, resource: &str) {
        let (kind, field) = (camel(resource), ident(&format!("{resource}-destructor")));
        let export = format!("{interface}#[dtor]{resource}");
        self.kinds.extend(quote!(#kind,));
        self.fields.extend(quote!(#field: Option<TypedFunc<(i32,), ()>>,));
        self.found.extend(quote!(#field: found.function_if_any(#export)?,));
        self.destructors.extend(quote!(Kind::#kind => self.#field.as_ref(),));
    }
}
