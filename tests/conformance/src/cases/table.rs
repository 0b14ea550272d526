//! Tables: one case with holes, and what goes into them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// What goes into a hole: a value where the hole is a whole string, and a text where it is a part
/// of one.
#[derive(Debug, Clone)]
struct Filling {
    value: Value,
    text: String,
}

type Row = BTreeMap<String, Filling>;

/// The cases of an entry: itself, or one for each row of its table.
///
/// # Errors
/// A table that is not of the format.
pub(super) fn expand(entry: &Value) -> Result<Vec<Value>> {
    let Some(table) = entry.get("table") else { return Ok(vec![entry.clone()]) };
    let template = entry.get("case").context("a table has no `case`")?;
    let rows = match (table.get("columns"), table.get("each")) {
        (Some(columns), None) => rows(columns, &table["rows"])?,
        (None, Some(each)) => product(each)?,
        _ => bail!("a table has either `columns` and `rows` or `each`"),
    };
    Ok(rows.iter().map(|row| fill(template, row)).collect())
}

/// A row for each row.
fn rows(columns: &Value, rows: &Value) -> Result<Vec<Row>> {
    let columns = columns.as_array().context("`columns` is no array")?;
    let row = |cells: &Value| {
        let cells = cells.as_array().context("a row is no array")?;
        ensure!(cells.len() == columns.len(), "a row has {} cells: {cells:?}", cells.len());
        let cell = |(column, value): (&Value, &Value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (column.as_str().unwrap_or_default().to_owned(), Filling { value: value.clone(), text })
        };
        Ok(columns.iter().zip(cells).map(cell).collect())
    };
    rows.as_array().context("`rows` is no array")?.iter().map(row).collect()
}

/// A row for each combination of the members of all columns; a member's name is its text.
fn product(each: &Value) -> Result<Vec<Row>> {
    let mut rows = vec![Row::new()];
    for (column, members) in each.as_object().context("`each` is no object")? {
        let members = members.as_object().with_context(|| format!("`{column}` is no object"))?;
        let more = |row: Row| {
            members.iter().map(move |(name, value)| {
                let mut row = row.clone();
                row.insert(column.clone(), Filling { value: value.clone(), text: name.clone() });
                row
            })
        };
        rows = rows.into_iter().flat_map(more).collect();
    }
    Ok(rows)
}

/// Fills the holes: `"$column"` by the value, `${column}` within a string by the text.
fn fill(template: &Value, row: &Row) -> Value {
    match template {
        Value::String(text) => fill_text(text, row),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, row)).collect()),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), fill(value, row))).collect(),
        other => other.clone(),
    }
}

fn fill_text(text: &str, row: &Row) -> Value {
    if let Some(filling) = text.strip_prefix('$').and_then(|column| row.get(column)) {
        return filling.value.clone();
    }
    let filled = row
        .iter()
        .fold(text.to_owned(), |text, (column, filling)| text.replace(&format!("${{{column}}}"), &filling.text));
    Value::String(filled)
}
