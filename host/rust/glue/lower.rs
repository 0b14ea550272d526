//! Writing values into the module's memory: `into` writes there, `at` is where, `value` is what.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use wit_parser::{Int, Type, TypeDefKind, TypeId};

use super::Contract;
use super::types::{camel, ident};

impl Contract {
    /// The function that writes a record, variant or enum.
    pub(super) fn lower_function(&self, id: TypeId, name: &str) -> Result<TokenStream, String> {
        let (path, tag) = (self.path(id)?, format_ident!("tag_{name}"));
        let writes = match &self.resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                let offsets = self.sizes.field_offsets(record.fields.iter().map(|field| &field.ty));
                let writes = record.fields.iter().zip(offsets).map(|(field, (offset, ty))| {
                    let name = ident(&field.name);
                    self.lower(ty, &quote!(&value.#name), offset.size_wasm32())
                });
                let writes = writes.collect::<Result<Vec<_>, _>>()?;
                quote!(#(#writes)*)
            }
            TypeDefKind::Enum(_) => quote!(into.u8(at, #tag(value))?;),
            TypeDefKind::Variant(variant) => {
                let offset = self.payload(variant.tag(), variant.cases.iter().map(|case| case.ty.as_ref()));
                let payload = self.by_case(id, |ty| self.lower(ty, &quote!(value), offset))?;
                quote!(into.u8(at, #tag(value))?; match value { #payload })
            }
            other => return Err(format!("the glue writes no {}", other.as_str())),
        };
        let (function, tag) = (format_ident!("lower_{name}"), self.tag_function(id, name)?);
        Ok(quote! {
            #tag
            fn #function(into: &mut Lowering<'_>, at: usize, value: &#path) -> wasmtime::Result<()> {
                #writes
                Ok(())
            }
        })
    }

    /// The arms over a variant's cases, with what is done with the payload of each.
    pub(super) fn by_case(
        &self,
        id: TypeId,
        payload: impl Fn(&Type) -> Result<TokenStream, String>,
    ) -> Result<TokenStream, String> {
        let (path, TypeDefKind::Variant(variant)) = (self.path(id)?, &self.resolve.types[id].kind) else {
            return Err("only a variant has cases with payloads".into());
        };
        let arms = variant.cases.iter().map(|case| {
            let name = camel(&case.name);
            Ok::<_, String>(if let Some(ty) = &case.ty {
                let payload = payload(ty)?;
                quote!(#path::#name(value) => { #payload })
            } else {
                quote!(#path::#name => {})
            })
        });
        let arms = arms.collect::<Result<Vec<_>, _>>()?;
        Ok(quote!(#(#arms)*))
    }

    /// The function that tells the number of a variant's or enum's case.
    fn tag_function(&self, id: TypeId, name: &str) -> Result<TokenStream, String> {
        let cases: Vec<(&str, bool)> = match &self.resolve.types[id].kind {
            TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| (&*case.name, false)).collect(),
            TypeDefKind::Variant(variant) => {
                variant.cases.iter().map(|case| (&*case.name, case.ty.is_some())).collect()
            }
            _ => return Ok(TokenStream::new()),
        };
        let (path, function) = (self.path(id)?, format_ident!("tag_{name}"));
        let arms = (0_u8..).zip(cases).map(|(tag, (case, has_payload))| {
            let (case, payload) = (camel(case), has_payload.then(|| quote!((_))));
            quote!(#path::#case #payload => #tag)
        });
        Ok(quote! {
            fn #function(value: &#path) -> u8 {
                match value { #(#arms),* }
            }
        })
    }

    /// Statements that write what the expression `value` refers to, at an offset from `at`.
    pub(super) fn lower(&self, ty: &Type, value: &TokenStream, offset: usize) -> Result<TokenStream, String> {
        Ok(match ty {
            Type::Bool => quote!(into.u8(at + #offset, u8::from(*(#value)))?;),
            Type::U32 => quote!(into.u32(at + #offset, *(#value))?;),
            Type::S32 => quote!(into.u32(at + #offset, (#value).cast_unsigned())?;),
            Type::U64 => quote!(into.u64(at + #offset, *(#value))?;),
            Type::F64 => quote!(into.u64(at + #offset, (#value).to_bits())?;),
            Type::String => quote!(into.text(at + #offset, #value)?;),
            Type::Id(id) => self.lower_of(self.original(*id), value, offset)?,
            other => return Err(format!("the glue writes no {other:?}")),
        })
    }

    fn lower_of(&self, id: TypeId, value: &TokenStream, offset: usize) -> Result<TokenStream, String> {
        if let Some(name) = self.named(id) {
            let function = format_ident!("lower_{name}");
            return Ok(quote!(#function(into, at + #offset, #value)?;));
        }
        Ok(match &self.resolve.types[id].kind {
            TypeDefKind::Option(some) => {
                let payload = offset + self.payload(Int::U8, [None, Some(some)]);
                let some = self.lower(some, &quote!(value), payload)?;
                quote! {
                    match #value {
                        None => into.u8(at + #offset, 0)?,
                        Some(value) => { into.u8(at + #offset, 1)?; #some }
                    }
                }
            }
            TypeDefKind::Result(result) => {
                let payload = offset + self.payload(Int::U8, [result.ok.as_ref(), result.err.as_ref()]);
                let lower = |ty: &Option<Type>| {
                    ty.as_ref().map_or(Ok(TokenStream::new()), |ty| self.lower(ty, &quote!(value), payload))
                };
                let (ok, err) = (lower(&result.ok)?, lower(&result.err)?);
                quote! {
                    match #value {
                        Ok(value) => { into.u8(at + #offset, 0)?; #ok }
                        Err(value) => { into.u8(at + #offset, 1)?; #err }
                    }
                }
            }
            TypeDefKind::List(element) => {
                let (size, align) = (self.size(element), self.align(element));
                let element = self.lower(element, &quote!(value), 0)?;
                quote! {
                    let list = #value;
                    let start = into.list(at + #offset, list.len(), #size, #align)?;
                    for (index, value) in list.iter().enumerate() {
                        let at = start + index * #size;
                        #element
                    }
                }
            }
            other => return Err(format!("the glue writes no {}", other.as_str())),
        })
    }
}
