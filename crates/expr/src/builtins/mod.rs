//! The functions of the language itself, a file a family; its folds over collections; the methods of what they give.

mod collections;
mod folds;
mod methods;
mod numbers;
mod strings;
mod times;
mod values;

pub(crate) use folds::{FOLDS, Fold};
pub(crate) use methods::{has_method, method};

use crate::error::{Done, Error};
use crate::eval::Meter;
use crate::ops::whole;
use crate::value::Value;

/// A function: its name, its fewest and its most arguments.
type Row = (&'static str, usize, usize);

/// As many arguments as one likes.
const MANY: usize = usize::MAX;

/// Calls a function of a family: name, arguments, where it stands, what it may use.
type Call = fn(&str, &[Value], usize, &Meter<'_>) -> Done;

/// Every function, by who answers for it.
const FAMILIES: [(&[Row], Call); 7] = [
    (values::FUNCTIONS, values::call),
    (strings::FUNCTIONS, strings::call),
    (numbers::FUNCTIONS, numbers::call),
    (numbers::STATISTICS, numbers::statistics),
    (numbers::BITS, numbers::bits),
    (times::FUNCTIONS, times::call),
    (collections::FUNCTIONS, collections::call),
];

fn find(name: &str) -> Option<(Row, Call)> {
    FAMILIES.iter().find_map(|(rows, call)| rows.iter().find(|row| row.0 == name).map(|row| (*row, *call)))
}

/// The fewest and the most arguments of a function, if there is one of this name.
pub(crate) fn arity(name: &str) -> Option<(usize, usize)> {
    find(name).map(|((_, fewest, most), _)| (fewest, most))
}

/// Calls a function of the language.
pub(crate) fn call(name: &str, args: &[Value], at: usize, meter: &Meter<'_>) -> Done {
    let Some(((_, fewest, most), call)) = find(name) else {
        return Err(Error::kind(at, format!("{name} cannot be called like this")));
    };
    if args.len() < fewest || args.len() > most {
        return Err(Error::kind(at, format!("{name} takes {fewest} or more arguments, got {}", args.len())));
    }
    call(name, args, at, meter)
}

fn text<'a>(name: &str, args: &'a [Value], i: usize, at: usize) -> Result<&'a str, Error> {
    let arg = args.get(i).unwrap_or(&Value::Null);
    arg.as_str().ok_or_else(|| Error::run(at, format!("{name} takes a string, got {}", arg.go_type())))
}

fn number(args: &[Value], i: usize, at: usize) -> Result<i64, Error> {
    let arg = args.get(i).unwrap_or(&Value::Null);
    whole(arg, at)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
