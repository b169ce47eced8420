//! Go's layouts: how a time is shown in one, and which parts it has.

use super::Time;

impl Time {
    /// The moment in a Go layout.
    #[must_use]
    pub fn format(&self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        while !rest.is_empty() {
            match next(rest) {
                Some((at, len)) => {
                    out.push_str(&rest[..at]);
                    out.push_str(&self.part(&rest[at..at + len]));
                    rest = &rest[at + len..];
                }
                None => {
                    out.push_str(rest);
                    break;
                }
            }
        }
        out
    }

    fn part(&self, part: &str) -> String {
        let z = &self.zoned;
        let hour12 = (z.hour() + 11) % 12 + 1;
        match part {
            "2006" => format!("{:04}", z.year()),
            "06" => format!("{:02}", z.year().rem_euclid(100)),
            "January" => month_name(z.month()).into(),
            "Jan" => month_name(z.month())[..3].into(),
            "01" => format!("{:02}", z.month()),
            "1" => z.month().to_string(),
            "Monday" => weekday_name(z.weekday().to_sunday_zero_offset()).into(),
            "Mon" => weekday_name(z.weekday().to_sunday_zero_offset())[..3].into(),
            "02" => format!("{:02}", z.day()),
            "_2" => format!("{:>2}", z.day()),
            "2" => z.day().to_string(),
            "002" => format!("{:03}", z.day_of_year()),
            "__2" => format!("{:>3}", z.day_of_year()),
            "15" => format!("{:02}", z.hour()),
            "03" => format!("{hour12:02}"),
            "3" => hour12.to_string(),
            "04" => format!("{:02}", z.minute()),
            "4" => z.minute().to_string(),
            "05" => format!("{:02}", z.second()),
            "5" => z.second().to_string(),
            "PM" => if z.hour() >= 12 { "PM" } else { "AM" }.into(),
            "pm" => if z.hour() >= 12 { "pm" } else { "am" }.into(),
            "MST" => self.abbreviation(),
            _ if part.starts_with(['.', ',']) => {
                let digits = format!("{:09}", z.subsec_nanosecond());
                let shown = &digits[..part.len() - 1];
                let shown = if part.ends_with('9') { shown.trim_end_matches('0') } else { shown };
                if shown.is_empty() { String::new() } else { format!("{}{shown}", &part[..1]) }
            }
            _ => self.offset(part),
        }
    }

    fn abbreviation(&self) -> String {
        let name = self.zoned.strftime("%Z").to_string();
        if name.starts_with(['+', '-']) && name != "UTC" {
            self.offset("-07") + &minutes_tail(&self.offset("-0700"))
        } else {
            name
        }
    }

    fn offset(&self, part: &str) -> String {
        let seconds = self.zoned.offset().seconds();
        if part.starts_with('Z') && seconds == 0 {
            return "Z".into();
        }
        let (sign, s) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
        let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
        match &part[1..] {
            "07:00:00" => format!("{sign}{h:02}:{m:02}:{s:02}"),
            "070000" => format!("{sign}{h:02}{m:02}{s:02}"),
            "07:00" => format!("{sign}{h:02}:{m:02}"),
            "0700" => format!("{sign}{h:02}{m:02}"),
            _ => format!("{sign}{h:02}"),
        }
    }
}

fn minutes_tail(offset: &str) -> String {
    if offset.ends_with("00") { String::new() } else { offset[3..].to_string() }
}

const PARTS: [&str; 38] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "__2",
    "_2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "1",
    "2",
    "3",
    "4",
    "5",
    ".000",
    ".999",
    ",000",
    ",999",
    "\0",
];

/// The next part of a layout: where, and how long.
pub(super) fn next(layout: &str) -> Option<(usize, usize)> {
    for (at, c) in layout.char_indices() {
        let rest = &layout[at..];
        if (c == '.' || c == ',') && rest[1..].starts_with(['0', '9']) {
            let digit = rest.as_bytes()[1];
            let len = rest[1..].bytes().take_while(|b| *b == digit).count();
            if len <= 9 && !rest[1 + len..].starts_with(|c: char| c.is_ascii_digit()) {
                return Some((at, len + 1));
            }
            continue;
        }
        let hit = PARTS.iter().find(|part| {
            rest.starts_with(**part)
                && !(**part == "Jan" && rest[3..].starts_with(|c: char| c.is_lowercase()))
                && !(**part == "Mon" && rest[3..].starts_with(|c: char| c.is_lowercase()))
                && !(**part == "_2" && rest.starts_with("_2006"))
        });
        if let Some(part) = hit {
            return Some((at, part.len()));
        }
    }
    None
}

pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(crate) fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i)).copied().unwrap_or("%!Month")
}

pub(crate) fn weekday_name(day: i8) -> &'static str {
    usize::try_from(day).ok().and_then(|i| DAYS.get(i)).copied().unwrap_or("%!Weekday")
}
