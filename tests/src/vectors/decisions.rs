//! What differs from Kargo on purpose: each a rule over a case and our result, and the row of `docs/differences.md` it stands for.

use super::entries::Entry;
use super::steps::Ours;
use seaway_render::yaml::read_all;
use serde_json::Value;
use std::collections::BTreeSet;

/// A row and when it holds. No steps: of any step.
struct Rule {
    steps: &'static [&'static str],
    row: &'static str,
    holds: fn(&Value, &Ours) -> bool,
}

/// The row that explains why a case differs.
pub(crate) fn row(case: &Value, ours: &Ours) -> Option<&'static str> {
    let step = case["step"].as_str().unwrap_or_default();
    let of = |rule: &&Rule| rule.steps.is_empty() || rule.steps.contains(&step);
    RULES.iter().filter(of).find(|rule| (rule.holds)(case, ours)).map(|rule| rule.row)
}

/// Kargo's status and ours.
fn turned(case: &Value, ours: &Ours, theirs: &str, mine: &str) -> bool {
    case["status"] == theirs && ours.status == mine
}

const RULES: &[Rule] = &[
    Rule {
        steps: &[],
        row: "A path that leaves the work folder",
        holds: |case, ours| ours.reason == "PathLeaves" && any_text(&case["config"], &|text| text.contains("..")),
    },
    Rule {
        steps: &[],
        row: "`copy` through a link that leaves the work folder; of a folder into itself",
        holds: |case, ours| ours.reason == "LinkLeaves" && case["before"].to_string().contains("\"link\""),
    },
    Rule {
        steps: &[],
        row: "`.git` in a work folder",
        holds: |case, ours| {
            let files = case["before"].as_object().into_iter().flatten().map(|(path, _)| path);
            let setup = case["before"]["setup"].as_array().into_iter().flatten();
            let in_git = |path: &String| path.split('/').any(|part| part == ".git");
            ours.status == "Unwritable" && (files.into_iter().any(in_git) || setup.into_iter().any(|it| it.get("git").is_some()))
        },
    },
    Rule {
        steps: &[],
        row: "A configuration that can never work",
        holds: |case, ours| turned(case, ours, "Errored", "InvalidConfig"),
    },
    Rule {
        steps: &[],
        row: "What another try cannot mend",
        holds: |case, ours| turned(case, ours, "Errored", "Failed") && !ours.reason.is_empty(),
    },
    Rule {
        steps: &[],
        row: "A field of a step's configuration that is `null`",
        holds: |case, ours| {
            case["status"] == "InvalidConfig" && ours.status != "InvalidConfig" && any(&case["config"], &|value| value.is_null())
        },
    },
    Rule {
        steps: &["copy"],
        row: "`copy` of a file onto itself",
        holds: |case, ours| {
            let path = |key: &str| case["config"][key].as_str().and_then(|text| seaway_base::RelPath::parse(text).ok());
            ours.status == "Succeeded" && path("inPath") == path("outPath") && ours.after.as_ref() == Some(&ours.before)
        },
    },
    Rule {
        steps: &["git-clone"],
        row: "`git-clone` without branch, commit or tag",
        holds: |case, ours| {
            turned(case, ours, "Errored", "Succeeded")
                && checkouts(case)
                    .any(|it| ["branch", "commit", "tag"].iter().all(|key| it[*key].as_str().unwrap_or_default().is_empty()))
        },
    },
    Rule {
        steps: &["git-clone"],
        row: "Two checkouts with one name in the output",
        holds: |_, ours| ours.reason == "InvalidSpec",
    },
    Rule {
        steps: &["git-clone", "git-clear", "git-commit"],
        row: "A checkout within another",
        holds: |case, ours| {
            let paths: Vec<&str> =
                case["after"]["worktrees"].as_object().into_iter().flatten().map(|(path, _)| path.as_str()).collect();
            let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
            ours.status == case["status"] && paths.iter().any(|inner| paths.iter().any(|outer| within(inner, outer)))
        },
    },
    Rule {
        steps: &["git-commit"],
        row: "`git-commit` of a sub-folder in which nothing changed",
        holds: |case, ours| {
            turned(case, ours, "Errored", "Skipped") && case["after"]["worktrees"].get(text(&case["config"], "path")).is_none()
        },
    },
    Rule {
        steps: &["git-push"],
        row: "ssh",
        holds: |case, ours| {
            let alias = |(alias, _): (&String, &Value)| !alias.starts_with("http");
            ours.status == "SetupFailed"
                && case["before"]["urlAliases"].as_object().is_some_and(|aliases| aliases.iter().any(alias))
        },
    },
    Rule {
        steps: &["git-push"],
        row: "`git-push` with nothing to push",
        holds: |case, ours| {
            turned(case, ours, "Succeeded", "Skipped") && ours.message.starts_with("nothing to push") && ours.nothing_lost
        },
    },
    Rule {
        steps: &["git-push"],
        row: "A Gitea host",
        holds: |case, ours| {
            case["config"]["provider"] == "gitea" && ours.status == "Succeeded" && ours.output["commitURL"].is_string()
        },
    },
    Rule {
        steps: &["git-push"],
        row: "`git-push` from a detached HEAD to a new branch",
        holds: |case, ours| {
            turned(case, ours, "Errored", "Succeeded")
                && ours.nothing_lost
                && case["after"]["worktrees"][text(&case["config"], "path")]["branch"].is_null()
        },
    },
    Rule {
        steps: &["git-push"],
        row: "`git-push` to a branch that is called like a tag",
        holds: |case, ours| {
            let named = |remote: &Value| remote["tags"].get(text(&case["config"], "targetBranch")).is_some();
            turned(case, ours, "Errored", "Succeeded")
                && ours.nothing_lost
                && case["after"]["remotes"].as_object().into_iter().flatten().any(|(_, remote)| named(remote))
        },
    },
    Rule {
        steps: &["git-push"],
        row: "`git-push` to `refs/heads/x`",
        holds: |case, ours| {
            let branch = text(&case["config"], "targetBranch").strip_prefix("refs/heads/");
            ours.status == case["status"] && branch.is_some() && ours.output["branch"].as_str() == branch && ours.nothing_lost
        },
    },
    Rule {
        steps: &["git-push"],
        row: "`git-push` with uncommitted changes",
        holds: |case, ours| {
            let open = |tree: &Value| !tree["status"].as_array().is_none_or(Vec::is_empty);
            turned(case, ours, "Errored", "Succeeded")
                && ours.nothing_lost
                && open(&case["after"]["worktrees"][text(&case["config"], "path")])
        },
    },
    Rule {
        steps: &["git-push"],
        row: "4: a branch that moved before a push",
        holds: |case, ours| {
            ours.status == "Succeeded" && ours.nothing_lost && (moved(case) || case["config"]["targetBranch"].is_string())
        },
    },
    Rule {
        steps: &["http"],
        row: "`http`: a `Host` header",
        holds: |case, ours| {
            let mut headers = case["config"]["headers"].as_array().into_iter().flatten();
            ours.status == case["status"] && headers.any(|header| text(header, "name").eq_ignore_ascii_case("host"))
        },
    },
    Rule {
        steps: &["http"],
        row: "`http`: an escaped slash in the URL",
        holds: |case, ours| ours.status == case["status"] && text(&case["config"], "url").to_lowercase().contains("%2f"),
    },
    Rule {
        steps: &["http"],
        row: "`http`: redirects without end",
        holds: |case, ours| {
            let status = case["before"]["server"]["status"].as_u64().unwrap_or_default();
            turned(case, ours, "Errored", "Errored") && (300..400).contains(&status)
        },
    },
    Rule {
        steps: &["kustomize-build"],
        row: "`kustomize-build` when two objects would share a file name",
        holds: |_, ours| ours.reason == "FileTwice",
    },
    Rule { steps: &["kustomize-set-image"], row: "`kustomize-set-image`", holds: same_images },
    Rule {
        steps: &["kustomize-set-image"],
        row: "29: `kustomize-set-image` without tag and digest",
        holds: |case, ours| {
            ours.status == case["status"] && any_text(&case["config"]["images"], &|text| text == "*") && same_files(case, ours)
        },
    },
    Rule {
        steps: &["kustomize-set-image"],
        row: "`kustomize-set-image` of a file without content, or of a link within the folder",
        holds: |case, ours| {
            let odd = |entry: &Value| {
                entry["link"].is_string()
                    || entry["text"]
                        .as_str()
                        .is_some_and(|text| text.lines().all(|line| line.is_empty() || line.starts_with('#')))
            };
            turned(case, ours, "Errored", "Succeeded")
                && case["before"].as_object().into_iter().flatten().any(|(_, entry)| odd(entry))
        },
    },
    Rule {
        steps: &["kustomize-set-image"],
        row: "`kustomize-set-image` without `images` when a warehouse is gone",
        holds: |case, ours| {
            let named = |list: &str, pointer: &str| -> BTreeSet<String> {
                let rows = case["context"][list].as_array().into_iter().flatten();
                rows.filter_map(|row| row.pointer(pointer).and_then(Value::as_str)).map(str::to_owned).collect()
            };
            let there = named("warehouses", "/metadata/name");
            turned(case, ours, "Errored", "Succeeded")
                && named("freightRequests", "/origin/name").iter().any(|name| !there.contains(name))
        },
    },
    Rule { steps: &["yaml-update"], row: "23: `yaml-update`", holds: set_as_asked },
    Rule {
        steps: &["yaml-update"],
        row: "`yaml-update` of a file whose other documents are no YAML",
        holds: |case, ours| {
            let text = case["before"][text(&case["config"], "path")]["text"].as_str().unwrap_or_default();
            turned(case, ours, "Succeeded", "Errored") && ours.reason == "BadYaml" && read_all(text).is_err()
        },
    },
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn checkouts(case: &Value) -> impl Iterator<Item = &Value> {
    case["config"]["checkout"].as_array().into_iter().flatten()
}

/// Does somebody else write to a remote between clone and push?
fn moved(case: &Value) -> bool {
    case["before"]["setup"].as_array().into_iter().flatten().any(|setup| setup.get("remote").is_some())
}

fn any(value: &Value, holds: &dyn Fn(&Value) -> bool) -> bool {
    holds(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| any(item, holds)),
            Value::Object(map) => map.values().any(|item| any(item, holds)),
            _ => false,
        }
}

fn any_text(value: &Value, holds: &dyn Fn(&str) -> bool) -> bool {
    any(value, &|value| value.as_str().is_some_and(holds))
}

/// The text of a file in our folder.
fn file(tree: &super::entries::Tree, path: &str) -> Option<String> {
    match tree.get(path)? {
        Entry::File { bytes, .. } => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    }
}

/// Are the files what Kargo has, byte for byte?
fn same_files(case: &Value, ours: &Ours) -> bool {
    let wanted = super::entries::expected(&ours.before, &case["after"]).ok();
    wanted.is_some() && wanted == ours.after
}

/// The kustomization says of every image what Kargo's says, and of everything else too; only the layout differs.
fn same_images(case: &Value, ours: &Ours) -> bool {
    let (Some(after), true) = (&ours.after, turned(case, ours, "Succeeded", "Succeeded")) else { return false };
    let lines = |value: &Value| -> BTreeSet<String> { text(value, "commitMessage").lines().skip(1).map(str::to_owned).collect() };
    let mut said = lines(&case["output"]);
    if !said.is_empty()
        && case["config"]["images"].as_array().is_some_and(|it| any_text(&Value::Array(it.clone()), &|text| text == "*"))
    {
        said.retain(|line| !line.ends_with(":*"));
    }
    if !said.is_subset(&lines(&ours.output)) {
        return false;
    }
    let changed = case["after"]["changed"].as_object().into_iter().flatten();
    changed.filter(|(_, entry)| entry["text"].is_string()).all(|(path, entry)| {
        let (Some(mine), Some(theirs)) = (file(after, path), entry["text"].as_str()) else { return false };
        let (Ok(mine), Ok(theirs)) = (read_all(&mine), read_all(theirs)) else { return false };
        let (mut mine, mut theirs) = (mine.into_iter().next().unwrap_or_default(), theirs.into_iter().next().unwrap_or_default());
        let take = |document: &mut Value| match document.as_object_mut().and_then(|map| map.shift_remove("images")) {
            Some(Value::Array(images)) => images,
            _ => Vec::new(),
        };
        let (my_images, their_images) = (take(&mut mine), take(&mut theirs));
        let says = |image: &Value, key: &str| {
            image[key].as_str().map_or_else(|| image[key].as_f64().map(|n| n.to_string()), |it| Some(it.to_owned()))
        };
        let as_number = |text: Option<String>| text.map(|text| text.parse::<f64>().map_or(text, |number| number.to_string()));
        let same = |a: &Value, b: &Value| {
            ["name", "newName", "newTag", "digest"].iter().all(|key| as_number(says(a, key)) == as_number(says(b, key)))
        };
        mine == theirs && their_images.iter().all(|theirs| my_images.iter().any(|mine| same(mine, theirs)))
    })
}

/// Every value stands where it was asked for, everything else is as before, and no comment is gone.
fn set_as_asked(case: &Value, ours: &Ours) -> bool {
    let path = text(&case["config"], "path").trim_start_matches("./");
    let (Some(after), "Succeeded") = (&ours.after, ours.status.as_str()) else { return false };
    let (Some(before), Some(after)) = (file(&ours.before, path), file(after, path)) else { return false };
    let (Ok(mut wanted), Ok(got)) = (read_all(&before), read_all(&after)) else { return false };
    for update in case["config"]["updates"].as_array().into_iter().flatten() {
        let Some(document) = wanted.first_mut() else { return false };
        let keys = keys(text(update, "key").trim());
        let Some(place) = place(document, &keys) else { return false };
        place.clone_from(&update["value"]);
    }
    if before.contains(" &") && before.contains('*') {
        // What an alias repeats changes with it: only the values asked for can be compared.
        let mut got = got;
        let Some(document) = got.first_mut() else { return false };
        let updates = case["config"]["updates"].as_array().into_iter().flatten();
        return updates
            .into_iter()
            .all(|update| place(document, &keys(text(update, "key"))).is_some_and(|it| *it == update["value"]));
    }
    let comments = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.rsplit_once(" #")).map(|(_, comment)| comment.trim_end().to_owned()).collect()
    };
    let kept = comments(&after);
    let mut labels = super::same::Labels::default();
    wanted.len() == got.len()
        && wanted.iter().zip(&got).all(|(wanted, got)| labels.same(got, wanted))
        && comments(&before).iter().all(|comment| kept.contains(comment))
        && before.contains("\r\n") == after.contains("\r\n")
        && before.ends_with('\n') == after.ends_with('\n')
}

/// What stands at a key.
fn place<'a>(document: &'a mut Value, keys: &[String]) -> Option<&'a mut Value> {
    keys.iter().try_fold(document, |place, key| match place {
        Value::Object(map) => map.get_mut(key.trim_start_matches(':')),
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// A key's parts: dots separate, a backslash keeps a dot.
fn keys(key: &str) -> Vec<String> {
    let (mut parts, mut part, mut letters) = (Vec::new(), String::new(), key.chars().peekable());
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some('.' | ':' | '\\')) => part.extend(letters.next()),
            ('.', _) => parts.push(std::mem::take(&mut part)),
            (letter, _) => part.push(letter),
        }
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_stands_in_the_list_of_differences() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differences.md");
        let page = std::fs::read_to_string(page).unwrap();
        for rule in RULES {
            let (number, name) = rule.row.split_once(": ").filter(|(n, _)| n.parse::<u8>().is_ok()).unwrap_or(("", rule.row));
            let start = if number.is_empty() { format!("| {name}") } else { format!("| {number} | ") };
            assert!(page.lines().any(|line| line.starts_with(&start)), "no row `{}`", rule.row);
        }
    }

    #[test]
    fn a_key_with_dots_in_it_is_one_part() {
        assert_eq!(keys(r"a.b\.c.:1"), ["a", "b.c", ":1"]);
    }
}
