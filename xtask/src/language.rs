//! The languages that hosts are for.

use anyhow::{Context, Result, bail};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    TypeScript,
    Python,
}

/// Takes the language of `--language` out of arguments.
pub(crate) fn split(arguments: &[String]) -> Result<(Option<Language>, Vec<&String>)> {
    let mut language = None;
    let mut others = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--language" {
            let name = arguments.next().context("--language needs a value: rust, typescript or python")?;
            language = Some(named(name)?);
        } else if let Some(name) = argument.strip_prefix("--language=") {
            language = Some(named(name)?);
        } else {
            others.push(argument);
        }
    }
    Ok((language, others))
}

fn named(name: &str) -> Result<Language> {
    match name {
        "rust" => Ok(Language::Rust),
        "typescript" => Ok(Language::TypeScript),
        "python" => Ok(Language::Python),
        _ => bail!("--language is {name:?}, must be rust, typescript or python"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn takes_the_language_and_hands_the_other_arguments_on() {
        for (given, language, others) in [
            ("", None, ""),
            ("--items 5 --json", None, "--items 5 --json"),
            ("--items 5 --language typescript --json", Some(Language::TypeScript), "--items 5 --json"),
            ("--language=python --help", Some(Language::Python), "--help"),
            ("--language rust", Some(Language::Rust), ""),
        ] {
            let given = words(given);
            let (chosen, rest) = split(&given).unwrap();
            assert_eq!((chosen, rest), (language, words(others).iter().collect()));
        }
    }

    #[test]
    fn a_language_that_there_is_not_is_quoted() {
        let error = split(&words("--language cobol")).unwrap_err();
        assert_eq!(error.to_string(), "--language is \"cobol\", must be rust, typescript or python");
        assert!(split(&words("--language")).is_err());
    }
}
