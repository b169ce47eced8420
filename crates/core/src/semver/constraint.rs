//! Constraints: `||` of lists of comparisons, with wildcards, tilde, caret and hyphen ranges.

use super::{Version, compare_prereleases};
use regex::{Captures, Regex};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// Text that is no constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version constraint; write one such as `^1.2.0`, `~1.2`, `1.x` or `>=1.0.0 <2.0.0`")]
pub struct ConstraintError(pub String);

/// A parsed constraint: one of its groups has to hold.
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Group>,
}

/// Comparisons that all have to hold; one pre-release among them lets pre-releases in.
#[derive(Debug, Clone)]
struct Group {
    comparisons: Vec<Comparison>,
    prereleases: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    TildeOrEqual,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// One comparison. *Open* numbers were left out or written as `x`, `X` or `*`.
#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    with: Version,
    any_open: bool,
    minor_open: bool,
    patch_open: bool,
}

const SPACE: &str = r"[\t\n\x0C\r ]";
const OPERATOR: &str = r"!=|>=|=>|<=|=<|~>|=|>|<|~|\^|";
const VERSION: &str = concat!(
    r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?",
    r"(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
);

static GROUP: LazyLock<Regex> = LazyLock::new(|| {
    let one = format!("(?:{OPERATOR}){SPACE}*(?:{VERSION}){SPACE}*");
    compile(&format!(r"\A{SPACE}*{one}(?:(?:{SPACE}+|,{SPACE}*){one})*\z"))
});
static COMPARISON: LazyLock<Regex> = LazyLock::new(|| compile(&format!("({OPERATOR}){SPACE}*{VERSION}")));
static HYPHEN: LazyLock<Regex> = LazyLock::new(|| compile(&format!("{SPACE}*({VERSION}){SPACE}+-{SPACE}+({VERSION}){SPACE}*")));

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// The text is empty, or a part of it is no comparison.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        let no = || ConstraintError(text.to_owned());
        let plain = HYPHEN.replace_all(text, |m: &Captures<'_>| format!(">={}, <={} ", &m[1], &m[6]));
        let groups = plain
            .split("||")
            .map(|group| {
                if !GROUP.is_match(group) {
                    return Err(no());
                }
                let comparisons = COMPARISON.captures_iter(group).map(|m| Comparison::read(&m).ok_or_else(no)).collect::<Result<
                    Vec<_>,
                    _,
                >>(
                )?;
                let prereleases = comparisons.iter().any(|c| !c.with.prerelease.is_empty());
                Ok(Group { comparisons, prereleases })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { groups })
    }

    /// Whether the version satisfies the constraint.
    pub fn matches(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let barred = !version.prerelease.is_empty() && !group.prereleases;
            !barred && group.comparisons.iter().all(|c| c.holds(version))
        })
    }
}

impl Comparison {
    fn read(m: &Captures<'_>) -> Option<Self> {
        let part = |i: usize| m.get(i).map_or("", |m| m.as_str());
        let (major, minor, patch, pre) = (part(2), part(3), part(4), part(5));
        let open = |number: &str| matches!(number.trim_start_matches('.'), "" | "x" | "X" | "*");
        let (mut minor_open, mut patch_open) = (false, false);
        let text = if open(major) {
            format!("0.0.0{pre}")
        } else if open(minor) {
            minor_open = true;
            format!("{major}.0.0{pre}")
        } else if open(patch) {
            patch_open = true;
            format!("{major}{minor}.0{pre}")
        } else {
            format!("{major}{minor}{patch}{pre}")
        };
        let operator = match part(1) {
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterOrEqual,
            "<=" | "=<" => Operator::LessOrEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::TildeOrEqual,
        };
        Some(Self {
            operator,
            with: Version::loose(&text).ok()?,
            any_open: open(major) || minor_open || patch_open,
            minor_open,
            patch_open,
        })
    }

    fn holds(&self, version: &Version) -> bool {
        let order = version.precedence(&self.with);
        match self.operator {
            Operator::TildeOrEqual if self.any_open => self.tilde(version, order),
            Operator::TildeOrEqual => order.is_eq(),
            Operator::NotEqual => self.differs(version, order),
            Operator::Greater => self.greater(version, order),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => self.less_or_equal(version, order),
            Operator::Tilde => self.tilde(version, order),
            Operator::Caret => self.caret(version, order),
        }
    }

    fn differs(&self, version: &Version, order: Ordering) -> bool {
        if !self.any_open {
            return !order.is_eq();
        }
        if self.with.major != version.major {
            return true;
        }
        if self.minor_open {
            return false;
        }
        if self.with.minor != version.minor {
            return true;
        }
        if self.patch_open {
            let either = !version.prerelease.is_empty() || !self.with.prerelease.is_empty();
            return either && compare_prereleases(&version.prerelease, &self.with.prerelease).is_ne();
        }
        !order.is_eq()
    }

    /// `>11` asks for 12, `>11.1` for 11.2.
    fn greater(&self, version: &Version, order: Ordering) -> bool {
        if !self.any_open {
            return order.is_gt();
        }
        match version.major.cmp(&self.with.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if self.minor_open => false,
            Ordering::Equal if self.patch_open => version.minor > self.with.minor,
            Ordering::Equal => order.is_gt(),
        }
    }

    /// `<=11` takes all of 11, `<=11.1` all of 11.1.
    fn less_or_equal(&self, version: &Version, order: Ordering) -> bool {
        if !self.any_open {
            return order.is_le();
        }
        match version.major.cmp(&self.with.major) {
            Ordering::Greater => false,
            Ordering::Equal => version.minor <= self.with.minor || self.minor_open,
            Ordering::Less => true,
        }
    }

    /// `~1.2.3` stays in 1.2; `~1` in 1; `~0.0.0` takes whatever is not below it.
    fn tilde(&self, version: &Version, order: Ordering) -> bool {
        if order.is_lt() {
            return false;
        }
        let zero = (self.with.major, self.with.minor, self.with.patch) == (0, 0, 0);
        if zero && !self.minor_open && !self.patch_open {
            return true;
        }
        version.major == self.with.major && (version.minor == self.with.minor || self.minor_open)
    }

    /// `^1.2.3` stays in 1; `^0.2.3` in 0.2; `^0.0.3` is 0.0.3.
    fn caret(&self, version: &Version, order: Ordering) -> bool {
        if order.is_lt() {
            return false;
        }
        if self.with.major > 0 || self.minor_open {
            return version.major == self.with.major;
        }
        if version.major > 0 {
            return false;
        }
        if self.with.minor > 0 || self.patch_open {
            return version.minor == self.with.minor;
        }
        version.minor == 0 && version.patch == self.with.patch
    }
}
