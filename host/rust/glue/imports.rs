//! The functions that the core module imports, each answered by a method of `HostState`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use wit_parser::abi::AbiVariant;
use wit_parser::{Function, Type};

use super::flat::{bits, core};
use super::{Contract, Interface};

impl Contract {
    pub(super) fn imports(&self) -> Result<TokenStream, String> {
        let mut added = TokenStream::new();
        for interface in self.interfaces() {
            if interface.is_exported {
                let resources = self.resources(&interface);
                added.extend(resources.iter().map(|resource| resource_functions(&interface.name, resource)));
            } else {
                for function in self.functions(&interface) {
                    added.extend(self.import(&interface, function)?);
                }
            }
        }
        let names = self.import_names().into_iter().map(|(module, name)| quote!((#module, #name)));
        Ok(quote! {
            /// What the core module may import.
            pub(crate) const IMPORTS: &[(&str, &str)] = &[#(#names),*];

            /// Adds all that the core module may import.
            pub(super) fn add_imports(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
                #added
                Ok(())
            }
        })
    }

    /// The modules and names of all functions that the core module may import.
    pub(crate) fn import_names(&self) -> Vec<(String, String)> {
        let mut names = Vec::new();
        for interface in self.interfaces() {
            if interface.is_exported {
                let functions = self.resources(&interface).into_iter().flat_map(|resource| resource_names(&resource));
                names.extend(functions.map(|name| (resource_module(&interface.name), name)));
            } else {
                names.extend(self.functions(&interface).map(|it| (interface.name.clone(), it.name.clone())));
            }
        }
        names
    }

    fn import(&self, interface: &Interface, function: &Function) -> Result<TokenStream, String> {
        let signature = self.resolve.wasm_signature(AbiVariant::GuestImport, function);
        if signature.indirect_params {
            return Err(format!("{}: its arguments are more numbers than a function takes", function.name));
        }
        let params: Vec<_> = (0..signature.params.len()).map(|index| format_ident!("p{index}")).collect();
        let types = signature.params.iter().map(|ty| core(*ty));
        let flat = signature.params.iter().zip(&params).map(|(ty, param)| bits(*ty, &quote!(#param)));
        let (mut arguments, mut len) = (Vec::new(), 0);
        for param in &function.params {
            arguments.push(self.unflatten(&param.ty, len)?);
            len += self.flat_len(&param.ty)?;
        }
        let result = signature.results.first().map_or(quote!(()), |ty| core(*ty));
        let answered = self.answered(function, signature.retptr.then_some(len))?;
        let host = if function.params.iter().any(|param| self.holds_lists(&param.ty)) {
            quote! {
                let memory = memory::of(&caller)?;
                let (m, host) = memory.data_and_store_mut(&mut caller);
            }
        } else {
            quote!(let host = caller.data_mut();)
        };
        let (module, name, method) = (&interface.name, &function.name, self.function_name(interface.id, function));
        Ok(quote! {
            linker.func_wrap(
                #module,
                #name,
                |mut caller: Caller<'_, HostState>, #(#params: #types),*| -> wasmtime::Result<#result> {
                    let flat: [u64; _] = [#(#flat),*];
                    #host
                    let answer = host.#method(#(#arguments),*);
                    #answered
                },
            )?;
        })
    }

    /// What is done with the answer: it is returned, or written where the argument `at` says.
    fn answered(&self, function: &Function, at: Option<usize>) -> Result<TokenStream, String> {
        let Some(ty) = &function.result else { return Ok(quote!(Ok(answer))) };
        if let Some(index) = at {
            let lowered = self.lower(ty, &quote!(&answer), 0)?;
            return Ok(quote! {
                let (at, memory) = (memory::offset(flat[#index]), memory::of(&caller)?);
                let into = &mut Lowering::new(&mut caller, memory);
                #lowered
                Ok(())
            });
        }
        match ty {
            Type::U32 | Type::U64 => Ok(quote!(Ok(answer.cast_signed()))),
            other => Err(format!("the glue answers with no {other:?}")),
        }
    }
}

/// A handle is what it stands for, the address of the policy in the module's memory: an instance
/// has no other owner of it than the host.
fn resource_functions(interface: &str, resource: &str) -> TokenStream {
    let (module, destructor) = (resource_module(interface), format!("{interface}#[dtor]{resource}"));
    let [new, rep, drop] = resource_names(resource);
    quote! {
        linker.func_wrap(#module, #new, |address: i32| address)?;
        linker.func_wrap(#module, #rep, |address: i32| address)?;
        linker.func_wrap(#module, #drop, |caller: Caller<'_, HostState>, address: i32| {
            memory::drop_own(caller, #destructor, address)
        })?;
    }
}

fn resource_module(interface: &str) -> String {
    format!("[export]{interface}")
}

fn resource_names(resource: &str) -> [String; 3] {
    ["new", "rep", "drop"].map(|name| format!("[resource-{name}]{resource}"))
}
