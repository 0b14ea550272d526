//! Tables in Markdown, to be pasted.

use crate::group::{Budget, Line, Measured};

/// What was measured, as a table: a line for each work.
pub fn print(groups: &[Measured]) {
    if groups.is_empty() {
        return;
    }
    println!("\n| work | by | time | a second | of its floors and peers | budget |\n|---|---|---:|---:|---|---|");
    for group in groups {
        for line in &group.lines {
            println!("{}", row(&group.title, line));
        }
    }
}

fn row(title: &str, line: &Line) -> String {
    let ratio = |(name, ratio): &(String, f64)| format!("{ratio:.2} x {name}");
    let ratios: Vec<String> = line.ratios.iter().map(ratio).collect();
    let remarks: Vec<String> =
        line.budgets.iter().map(|budget| verdict(line, budget)).chain(line.remark.clone()).collect();
    let (name, time, rate) = (&line.name, time_of(line.ns), rate_of(line.ns));
    format!("| {title} | {name} | {time} | {rate} | {} | {} |", ratios.join(", "), remarks.join("; "))
}

fn verdict(line: &Line, budget: &Budget) -> String {
    let ratio = line.ratios.iter().find(|(name, _)| name == budget.of).map_or(f64::NAN, |(_, ratio)| *ratio);
    let verdict = if ratio <= budget.most { "kept" } else { "missed" };
    format!("{} x {} ({verdict})", budget.most, budget.of)
}

/// A table of how a cost grows: a line for each curve, a column for each size.
pub fn print_curves(sizes_of: &str, sizes: &[u64], curves: &[(String, Vec<f64>)]) {
    let header: Vec<String> = sizes.iter().map(|size| grouped(*size)).collect();
    println!("\n| {sizes_of} | {} |\n|---|{}", header.join(" | "), "---:|".repeat(sizes.len()));
    for (name, times) in curves {
        let times: Vec<String> = times.iter().map(|ns| time_of(*ns)).collect();
        println!("| {name} | {} |", times.join(" | "));
    }
}

/// A time in the unit that it is read best in.
pub fn time_of(ns: f64) -> String {
    match ns {
        ..10_000.0 => format!("{} ns", whole(ns)),
        ..1_000_000.0 => format!("{:.1} us", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}

fn rate_of(ns: f64) -> String {
    whole(1e9 / ns)
}

fn whole(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times and rates are neither")]
    let whole = number.round() as u64;
    grouped(whole)
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |(index, digit): (usize, char)| {
        let is_start = index > 0 && (digits.len() - index).is_multiple_of(3);
        is_start.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(comma).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_in_groups_of_three() {
        let shown = [0, 12, 999, 1_000, 123_456, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn a_budget_is_kept_up_to_its_ratio() {
        let budget = Budget { most: 1.25, of: "GET" };
        let line = |ratio| Line {
            name: "gcra".into(),
            ns: 1_000.0,
            ratios: vec![("GET".into(), ratio)],
            budgets: vec![budget.clone()],
            remark: None,
        };
        assert_eq!(row("one", &line(1.25)), "| one | gcra | 1,000 ns | 1,000,000 | 1.25 x GET | 1.25 x GET (kept) |");
        assert!(row("one", &line(1.26)).ends_with("1.25 x GET (missed) |"));
    }
}
