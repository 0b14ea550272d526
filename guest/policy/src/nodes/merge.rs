//! Puts a result into a context and leaves all other text as it stands.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::json::{Object, quoted, written};
use crate::problem::Problem;

/// The context with a result: under a name, or its members merged in.
///
/// # Errors
/// What is not an object.
pub(crate) fn merge(context: &str, result: &str, variable: Option<&str>) -> Result<String, Vec<Problem>> {
    let members = Object::read(context).ok_or_else(|| no_object("context", context))?;
    let result_members = Object::read(result).ok_or_else(|| no_object("result", result))?;
    let mut merging = Merging { context, members, replaced: Vec::new(), added: Vec::new() };
    match variable {
        Some(name) => merging.set(name, result.trim()),
        None => result_members.0.iter().for_each(|(name, value)| merging.set(name, value)),
    }
    Ok(merging.finish())
}

/// What is no object, as a problem.
pub(crate) fn no_object(path: &str, text: &str) -> Vec<Problem> {
    alloc::vec![Problem { path: path.to_string(), value: quoted(text), allowed: "a JSON object".to_string() }]
}

struct Merging<'a> {
    context: &'a str,
    members: Object<'a>,
    /// Which members have another value now.
    replaced: Vec<(usize, &'a str)>,
    /// Members that come last.
    added: Vec<(String, &'a str)>,
}

impl<'a> Merging<'a> {
    fn set(&mut self, name: &str, value: &'a str) {
        match self.members.index(name) {
            Some(index) => self.replaced.push((index, value)),
            None => self.added.push((name.to_string(), value)),
        }
    }

    fn finish(&self) -> String {
        let mut out = String::with_capacity(self.context.len() + 128);
        let mut copied = 0;
        for (index, (_, old)) in self.members.0.iter().enumerate() {
            let Some((_, value)) = self.replaced.iter().rfind(|(replaced, _)| *replaced == index) else { continue };
            let start = self.offset(old);
            out.extend([&self.context[copied..start], value]);
            copied = start + old.len();
        }
        let end = match self.members.0.last() {
            Some((_, last)) => self.offset(last) + last.len(),
            None => self.context.rfind('}').unwrap_or(copied),
        };
        out.push_str(&self.context[copied..end]);
        for (index, (name, value)) in self.added.iter().enumerate() {
            let lead = if index > 0 || !self.members.0.is_empty() { "," } else { "" };
            out.extend([lead, &written(name), ":", value]);
        }
        out.push_str(&self.context[end..]);
        out
    }

    /// Where a value's text, which is a part of the context's, begins in it.
    fn offset(&self, value: &str) -> usize {
        value.as_ptr() as usize - self.context.as_ptr() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn a_variable_is_appended_or_replaced_where_it_stands_and_nothing_else_moves() {
        let cases = [
            ("{}", r#"{"v":{"a":1}}"#),
            (" { } ", r#" { "v":{"a":1}} "#),
            (r#"{ "b" : 1.50 , "a" : 1 }"#, r#"{ "b" : 1.50 , "a" : 1,"v":{"a":1} }"#),
            (r#"{"v" : 0 ,"z":12345678901234567890}"#, r#"{"v" : {"a":1} ,"z":12345678901234567890}"#),
            (r#"{"v":1,"v":2,"\u0061":"\u00e9\/"}"#, r#"{"v":1,"v":{"a":1},"\u0061":"\u00e9\/"}"#),
            (r#"{"\u0076":[ ]}"#, r#"{"\u0076":{"a":1}}"#),
        ];
        for (context, expected) in cases {
            assert_eq!(merge(context, "{\"a\":1}", Some("v")).as_deref(), Ok(expected), "{context}");
        }
    }

    #[test]
    fn fields_are_merged_each_where_it_stands() {
        let merged = merge(r#"{"limit":"x","keep":1e400,"passed":null}"#, r#"{"passed":true,"limit":3,"n":0}"#, None);
        assert_eq!(merged.as_deref(), Ok(r#"{"limit":3,"keep":1e400,"passed":true,"n":0}"#));
        assert_eq!(merge("{}", "{}", None).as_deref(), Ok("{}"));
    }

    #[test]
    fn what_is_no_object_is_named() {
        assert_eq!(merge("[1]", "{}", None).unwrap_err()[0].path, "context");
        assert_eq!(merge("{}", "1", None).unwrap_err()[0].path, "result");
    }
}
