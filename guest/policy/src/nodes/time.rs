//! Times as JSON writes them: ISO 8601, in UTC, with milliseconds.

use alloc::format;
use alloc::string::String;

const DAY_MS: u64 = 86_400_000;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;
/// From 1 March of the year 0 to 1 January 1970.
const EPOCH_DAYS: u64 = 719_468;

/// A time in microseconds since 1970, cut to whole milliseconds. A year beyond 9999 has a sign and
/// six digits, as ECMAScript has it.
pub(crate) fn iso_8601(us: u64) -> String {
    let ms = us / 1_000;
    let (year, month, day) = civil(ms / DAY_MS);
    let of_day = ms % DAY_MS;
    let (hours, minutes, seconds) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    let year = if year > 9_999 { format!("+{year:06}") } else { format!("{year:04}") };
    format!("{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", of_day % 1_000)
}

/// Year, month and day of this many days after 1 January 1970, in the Gregorian calendar: Hinnant,
/// "chrono-compatible low-level date algorithms". Years begin in March there, so that the leap day
/// is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH_DAYS;
    let (era, of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let (month, next) = if from_march < 10 { (from_march + 3, 0) } else { (from_march - 9, 1) };
    (era * 400 + years + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::{civil, iso_8601};

    #[test]
    fn known_times_are_written_as_known() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (999, "1970-01-01T00:00:00.000Z"),
            (1_000, "1970-01-01T00:00:00.001Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_000_000, "2024-02-29T23:59:59.000Z"),
            (1_767_268_800_123_456, "2026-01-01T12:00:00.123Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999_000, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000_000, "+010000-01-01T00:00:00.000Z"),
        ];
        for (us, text) in cases {
            assert_eq!(iso_8601(us), text, "{us}");
        }
        assert_eq!(iso_8601(u64::MAX).len(), "+586524-01-19T08:01:49.551Z".len());
    }

    #[test]
    fn every_day_of_a_thousand_years_follows_the_one_before() {
        let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let length = |year, month| match month {
            2 if is_leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let mut expected = (1970, 1, 1);
        for days in 0..366_000 {
            assert_eq!(civil(days), expected);
            let (year, month, day) = expected;
            expected = match (month, day == length(year, month)) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }
}
