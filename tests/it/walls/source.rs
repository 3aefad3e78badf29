//! What the sources of a room's pure part name. Paths are read from the tokens, so neither a
//! comment nor a grouped `use` can mislead.

use std::path::{Path, PathBuf};

/// Crates of the world.
const CRATES: [&str; 14] = [
    "axum",
    "axum_server",
    "eventsource_stream",
    "prometheus_client",
    "quinn",
    "quinn_proto",
    "quinn_udp",
    "redb",
    "redis",
    "reqwest",
    "socket2",
    "tokio",
    "tokio_util",
    "tower_http",
];

/// Paths of the standard library, whole or as far as given. Addresses are plain values and pass.
const PREFIXES: [&[&str]; 8] = [
    &["std", "fs"],
    &["std", "net", "TcpListener"],
    &["std", "net", "TcpStream"],
    &["std", "net", "ToSocketAddrs"],
    &["std", "net", "UdpSocket"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
];

/// What may stand anywhere in a path, however it was imported.
const ANYWHERE: [&[&str]; 11] = [
    &["HashMap"],
    &["HashSet"],
    &["Instant", "now"],
    &["SystemTime", "now"],
    &["SystemRandom"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    // Only `io/mod.rs` may set clippy's walls aside.
    &["disallowed_methods"],
    &["disallowed_types"],
    &["rand", "random"],
    &["rand", "rng"],
];

/// The `.rs` files below `src` that are not under `src/io`, with their text.
pub(super) fn pure_files(src: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path == src.join("io") || path == src.join("io.rs") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}

/// What a file of a pure part must not name, one line each.
pub(super) fn violations(file: &str, source: &str) -> Vec<String> {
    paths(&tokens(source))
        .into_iter()
        .filter(|(_, path)| is_worldly(path))
        .map(|(line, path)| format!("{file}:{line}: {} belongs under io/", path.join("::")))
        .collect()
}

fn is_worldly(path: &[String]) -> bool {
    let starts =
        |with: &[&str]| path.len() >= with.len() && path.iter().zip(with).all(|(a, b)| a == b);
    // A name alone is a variable or a field; a `use` of a whole crate ends in `self` here.
    path.len() > 1 && CRATES.iter().any(|name| starts(&[name]))
        || PREFIXES.iter().any(|prefix| starts(prefix))
        || ANYWHERE
            .iter()
            .any(|part| path.windows(part.len()).any(|window| window == *part))
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Name(usize, String),
    PathSeparator,
    Other(char),
}

/// Names, `::` and single characters; comments and literals are left out.
fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let (length, token) = token(line, rest, first);
            found.extend(token);
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

fn token(line: usize, rest: &str, first: char) -> (usize, Option<Token>) {
    if let Some(name) = rest.strip_prefix("r#").map(word)
        && !name.is_empty()
    {
        // Not a keyword, whatever it looks like.
        return (name.len() + 2, Some(Token::Name(line, format!("r#{name}"))));
    }
    if first.is_alphabetic() || first == '_' {
        let name = word(rest);
        return (name.len(), Some(Token::Name(line, name.to_owned())));
    }
    if first.is_ascii_digit() {
        return (word(rest).len(), None);
    }
    if rest.starts_with("::") {
        return (2, Some(Token::PathSeparator));
    }
    let token = (!first.is_whitespace()).then_some(Token::Other(first));
    (first.len_utf8(), token)
}

fn word(rest: &str) -> &str {
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    &rest[..end]
}

/// The bytes of the comment or literal at the beginning of the text.
fn skipped(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix)
            .is_some_and(|after| after.starts_with(['"', '#', '\'']))
    })?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        return raw_string(after).map(|length| prefix.len() + length);
    }
    let length = match after.chars().next() {
        Some('"') => quoted(after, '"'),
        Some('\'') if is_character(after) => quoted(after, '\''),
        // A lifetime or an attribute.
        _ => return None,
    };
    Some(prefix.len() + length)
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// `"…"` or `#"…"#` with any number of signs; `r#name` is not one.
fn raw_string(after: &str) -> Option<usize> {
    let signs = after.len() - after.trim_start_matches('#').len();
    after[signs..].starts_with('"').then(|| {
        let end = format!("\"{}", "#".repeat(signs));
        let body = signs + 1;
        after[body..]
            .find(&end)
            .map_or(after.len(), |at| body + at + end.len())
    })
}

/// `'a'` and `'\n'`, but not `'a`.
fn is_character(after: &str) -> bool {
    let mut characters = after.chars().skip(1);
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

fn quoted(after: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in after.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    after.len()
}

/// Every path with its line; the tree of a `use` gives one path per leaf.
fn paths(tokens: &[Token]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            // `use<'a>` captures lifetimes and imports nothing.
            Token::Name(_, name)
                if name == "use" && tokens.get(at + 1) != Some(&Token::Other('<')) =>
            {
                use_tree(tokens, at + 1, &[], &mut found);
                at += tokens[at..]
                    .iter()
                    .position(|token| *token == Token::Other(';'))
                    .unwrap_or(tokens.len());
            }
            Token::Name(..) => {
                let (line, path, next) = path(tokens, at);
                found.push((line, path));
                at = next;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The path that begins here, and what comes after it.
fn path(tokens: &[Token], mut at: usize) -> (usize, Vec<String>, usize) {
    let (mut names, mut first_line) = (Vec::new(), 0);
    while let Some(Token::Name(line, name)) = tokens.get(at) {
        if names.is_empty() {
            first_line = *line;
        }
        names.push(name.clone());
        at += 1;
        if tokens.get(at) != Some(&Token::PathSeparator) {
            break;
        }
        at += 1;
    }
    (first_line, names, at)
}

/// The leaves of a `use` whose groups hold a comma-separated list of trees.
fn use_tree(tokens: &[Token], at: usize, before: &[String], found: &mut Vec<(usize, Vec<String>)>) {
    let at = at + usize::from(tokens.get(at) == Some(&Token::PathSeparator));
    let (line, names, next) = path(tokens, at);
    let mut whole = [before, names.as_slice()].concat();
    if tokens.get(next) != Some(&Token::Other('{')) {
        if whole.len() == 1 {
            whole.push("self".to_owned());
        }
        found.push((line, whole));
        return;
    }
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(next) {
        let begins = match token {
            Token::Other('{') => {
                depth += 1;
                depth == 1
            }
            Token::Other('}') => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
                false
            }
            Token::Other(',') => depth == 1,
            _ => false,
        };
        if begins {
            use_tree(tokens, index + 1, &whole, found);
        }
    }
}

#[test]
fn the_world_is_found_however_it_is_written() {
    for source in [
        "use tokio::net::UdpSocket;",
        "use std::{fmt, fs};",
        "use std::{fmt, collections::{BTreeMap, HashMap}};",
        "use ::redb::Database;",
        "use std::net::{IpAddr, TcpStream};",
        "use std::thread;",
        "#[expect(clippy::disallowed_methods, reason = \"just once\")] fn f() {}",
        "#![allow(clippy::disallowed_types)]",
        "use tokio as runtime;",
        "fn f<'a>() -> impl Sized + use<'a> { tokio::spawn(x) }",
        "fn f() { let now = std::time::Instant::now(); }",
        "fn f() { let now = SystemTime\n  ::now(); }",
        "fn f(endpoint: &quinn::Endpoint) {}",
        "fn f() { vec![rand::rng()] }",
        "fn f() { let q = '\"'; std::fs::read(\"x\") }",
        "fn f<'a>(x: &'a str) { axum::serve(x) }",
        "/* a /* b */ c */ fn f() { redis::cmd(x) }",
        "fn f() { r#\"a \" b\"#; HashSet::new() }",
        "fn r#use() { tokio::spawn(x) }",
        "fn f() { let rng = aws_lc_rs::rand::SystemRandom::new(); }",
    ] {
        assert_eq!(violations("x.rs", source).len(), 1, "{source}");
    }
}

#[test]
fn words_about_the_world_are_not_the_world() {
    for source in [
        "//! tokio::spawn and std::fs belong elsewhere",
        "/// quinn::Endpoint\nfn f() {}",
        "fn f() { \"std::fs::read \\\" tokio::x\" }",
        "fn f() { r##\"tokio::x \"# redb::y\"## }",
        "/* redis::cmd /* tokio::x */ axum::y */",
        "use std::net::{IpAddr, SocketAddr};",
        "use std::{collections::BTreeMap, fmt};",
        "fn f(now: Instant) -> Duration { now.since(self.quinn) }",
        "fn f<'a, 'b>(x: &'a str, c: char) { c == 'a' || c == '\\'' }",
    ] {
        assert_eq!(violations("x.rs", source), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn a_violation_says_where() {
    assert_eq!(
        violations(
            "relay/src/session.rs",
            "\n/* two\nlines */\nuse std::{\n  fs,\n};\n"
        ),
        ["relay/src/session.rs:5: std::fs belongs under io/"]
    );
}
