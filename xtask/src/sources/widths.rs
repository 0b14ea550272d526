//! Comments that are wider than 100 columns, in all languages.

use std::path::Path;

use anyhow::{Context, Result};

use crate::files;

const MAX_COLUMNS: usize = 100;

/// What begins a comment, by the extension of the file.
const MARKS: [(&str, &[&str]); 7] = [
    ("rs", &["//"]),
    ("ts", &["//", "* ", "/**"]),
    ("mjs", &["//", "* ", "/**"]),
    ("py", &["#"]),
    ("pyi", &["#"]),
    ("wit", &["//"]),
    ("lua", &["--"]),
];

/// What must stand on one line.
const PRAGMAS: [&str; 6] = ["biome-ignore", "@ts-", "noqa", "pyright:", "type: ignore", "://"];

/// Folders that hold what nobody here wrote, beside those whose names begin with a dot.
const SKIPPED: [&str; 4] = ["target", "node_modules", "dist", "generated"];

/// The comments under `folder` that are too wide, one line each.
fn too_wide(folder: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let extensions = MARKS.map(|(extension, _)| extension);
    for path in files::below(folder, &extensions, |name| !name.starts_with('.') && !SKIPPED.contains(&name))? {
        let extension = path.extension().unwrap_or_default();
        if let Some((_, marks)) = MARKS.iter().find(|(known, _)| extension == *known) {
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let found = wide_lines(&text, marks);
            lines.extend(found.map(|(number, width)| format!("{}:{number}: {width} columns", path.display())));
        }
    }
    Ok(lines)
}

/// The lines of comments that are too wide, with their widths. Samples of code are not looked at.
fn wide_lines<'a>(text: &'a str, marks: &'a [&str]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let mut in_sample = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let comment = line.trim_start();
        if !marks.iter().any(|mark| comment.starts_with(mark)) {
            in_sample = false;
            return None;
        }
        in_sample ^= comment.contains("```");
        let width = line.chars().count();
        let is_wide = width > MAX_COLUMNS && !in_sample && !PRAGMAS.iter().any(|pragma| line.contains(pragma));
        is_wide.then_some((index + 1, width))
    })
}

#[cfg(test)]
mod tests {
    use super::{too_wide, wide_lines};
    use crate::paths;

    #[test]
    fn no_comment_is_wider_than_100_columns() {
        let found = too_wide(paths::root()).expect("the sources can be read");
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn code_samples_and_pragmas_may_be_wider() {
        let wide = "x".repeat(101);
        let found = |text: &str| wide_lines(text, &["//"]).count();
        assert_eq!(found(&format!("// {wide}\n    /// {wide}\nlet a = \"{wide}\";")), 2);
        assert_eq!(found(&format!("// biome-ignore {wide}\n// https://{wide}")), 0);
        assert_eq!(found(&format!("/// ```\n/// {wide}\n/// ```\n/// {wide}")), 1);
        assert_eq!(found(&format!("/// ```\nlet a;\n/// {wide}")), 1);
    }
}
