//! Derive macros with which a game declares its data.
//!
//! - `#[derive(Replicated)]` on a component; `#[replicated(audience = "owner")]` narrows who sees
//!   it (`everyone`, `owner`, `team`, or a rule's number).
//! - `#[derive(Record)]` on an input, a join request or an event.
//! - `#[derive(Choice)]` on an enum without data, to be used as a field.
//!
//! Fields take `#[field(…)]` with `min`, `max`, `step` (numbers), `angle`, `bits`, `max_len`
//! (text, lists), `position`, `static`, `transient`, and `predict = "linear"` or
//! `predict = "velocity"` with the name of the velocity field.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{
    Data, DeriveInput, Error, Expr, Field, Fields, Ident, LitInt, LitStr, Result,
    meta::ParseNestedMeta, parse_macro_input,
};

/// Makes a component replicated.
#[proc_macro_derive(Replicated, attributes(replicated, field))]
pub fn derive_replicated(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand_replicated(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes a struct a record: an input, a join request, an event.
#[proc_macro_derive(Record, attributes(field))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand_record(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes an enum without data usable as a field.
#[proc_macro_derive(Choice)]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand_choice(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand_replicated(input: &DeriveInput) -> Result<Tokens> {
    let mut audience = quote!(Everyone);
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("replicated"))
    {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("audience") {
                return Err(meta.error("expected `audience = …`"));
            }
            audience = parse_audience(&meta)?;
            Ok(())
        })?;
    }
    let name = &input.ident;
    let record = expand_record(input)?;
    Ok(quote! {
        #record
        impl ::tickwire_shared::Replicated for #name {
            const AUDIENCE: ::tickwire_shared::Audience = ::tickwire_shared::Audience::#audience;
        }
    })
}

fn parse_audience(meta: &ParseNestedMeta<'_>) -> Result<Tokens> {
    let value = meta.value()?;
    if value.peek(LitInt) {
        let rule: u8 = value.parse::<LitInt>()?.base10_parse()?;
        return Ok(quote!(Rule(#rule)));
    }
    let word: LitStr = value.parse()?;
    match word.value().as_str() {
        "everyone" => Ok(quote!(Everyone)),
        "owner" => Ok(quote!(Owner)),
        "team" => Ok(quote!(Team)),
        _ => Err(Error::new(word.span(), "expected everyone, owner, team, or a rule's number")),
    }
}

fn expand_record(input: &DeriveInput) -> Result<Tokens> {
    let name = &input.ident;
    let fields = named_fields(input)?;
    let names: Vec<&Ident> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let schemas =
        fields.iter().map(|field| expand_field(field, &names)).collect::<Result<Vec<_>>>()?;
    let text = name.to_string();
    Ok(quote! {
        impl ::tickwire_shared::Record for #name {
            const NAME: &'static str = #text;

            fn fields() -> ::tickwire_shared::derive_support::Vec<::tickwire_shared::FieldSchema> {
                ::tickwire_shared::derive_support::Vec::from([#(#schemas),*])
            }

            fn write(&self, out: &mut ::tickwire_shared::FieldWriter<'_>) {
                let _ = &out;
                #(out.field(&self.#names);)*
            }

            fn read(input: &mut ::tickwire_shared::FieldReader<'_>) -> Self {
                let _ = &input;
                Self { #(#names: input.field()),* }
            }
        }
    })
}

fn named_fields(input: &DeriveInput) -> Result<Vec<Field>> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "expected a struct"));
    };
    match &data.fields {
        Fields::Named(fields) => Ok(fields.named.iter().cloned().collect()),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(_) => Err(Error::new_spanned(&input.ident, "fields need names")),
    }
}

/// The attributes of a field, as they go into its schema.
#[derive(Default)]
struct FieldAttributes {
    options: Vec<Tokens>,
    is_static: bool,
    is_transient: bool,
    is_position: bool,
    predictor: Option<Tokens>,
}

fn expand_field(field: &Field, names: &[&Ident]) -> Result<Tokens> {
    let mut attributes = FieldAttributes::default();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("field")) {
        attribute.parse_nested_meta(|meta| attributes.parse(&meta, names))?;
    }
    let FieldAttributes { options, is_static, is_transient, is_position, predictor } = attributes;
    let predictor = predictor.unwrap_or_else(|| quote!(Hold));
    let text = field.ident.as_ref().map(Ident::to_string).unwrap_or_default();
    let kind = &field.ty;
    Ok(quote! {
        ::tickwire_shared::FieldSchema {
            name: #text,
            kind: <#kind as ::tickwire_shared::Field>::kind(&::tickwire_shared::FieldOptions {
                #(#options,)*
                ..::core::default::Default::default()
            }),
            is_static: #is_static,
            is_transient: #is_transient,
            is_position: #is_position,
            is_fine: <#kind as ::tickwire_shared::Field>::IS_FINE,
            predictor: ::tickwire_shared::Predictor::#predictor,
        }
    })
}

impl FieldAttributes {
    fn parse(&mut self, meta: &ParseNestedMeta<'_>, names: &[&Ident]) -> Result<()> {
        let Some(word) = meta.path.get_ident() else {
            return Err(meta.error("expected one word"));
        };
        match word.to_string().as_str() {
            "min" | "max" | "step" => {
                let value: Expr = meta.value()?.parse()?;
                self.options.push(quote!(#word: ::core::option::Option::Some((#value) as f64)));
            }
            "bits" | "max_len" => {
                let value: LitInt = meta.value()?.parse()?;
                self.options.push(quote!(#word: ::core::option::Option::Some(#value)));
            }
            "angle" => self.options.push(quote!(angle: true)),
            "static" => self.is_static = true,
            "transient" => self.is_transient = true,
            "position" => self.is_position = true,
            "predict" => self.predictor = Some(parse_predictor(&meta.value()?.parse()?, names)?),
            _ => return Err(meta.error("unknown field attribute")),
        }
        Ok(())
    }
}

/// `"linear"`, or the name of the field that says how fast this one moves.
fn parse_predictor(word: &LitStr, names: &[&Ident]) -> Result<Tokens> {
    if word.value() == "linear" {
        return Ok(quote!(Linear));
    }
    match names.iter().position(|name| **name == word.value()) {
        Some(field) => Ok(quote!(Velocity { field: #field })),
        None => Err(Error::new(word.span(), "expected \"linear\" or the name of a velocity field")),
    }
}

fn expand_choice(input: &DeriveInput) -> Result<Tokens> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "expected an enum"));
    };
    if let Some(variant) =
        data.variants.iter().find(|variant| !matches!(variant.fields, Fields::Unit))
    {
        return Err(Error::new_spanned(variant, "a choice holds no data"));
    }
    let name = &input.ident;
    let variants: Vec<&Ident> = data.variants.iter().map(|variant| &variant.ident).collect();
    let Some((last, others)) = variants.split_last() else {
        return Err(Error::new_spanned(name, "a choice needs a variant"));
    };
    let texts = variants.iter().map(ToString::to_string);
    let codes = 0u32..;
    let other_codes = codes.clone();
    Ok(quote! {
        impl ::tickwire_shared::Field for #name {
            fn kind(_: &::tickwire_shared::FieldOptions) -> ::tickwire_shared::FieldKind {
                ::tickwire_shared::FieldKind::Choice { variants: &[#(#texts),*] }
            }

            fn write(
                &self,
                _: &::tickwire_shared::FieldKind,
                out: &mut ::tickwire_shared::Values,
            ) -> bool {
                out.codes.push(match self { #(Self::#variants => #codes),* });
                true
            }

            fn read(
                _: &::tickwire_shared::FieldKind,
                input: &mut ::tickwire_shared::FieldReader<'_>,
            ) -> Self {
                match input.code() {
                    #(#other_codes => Self::#others,)*
                    _ => Self::#last,
                }
            }
        }
    })
}
