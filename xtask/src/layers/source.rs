//! The names that Rust source text uses, without comments, strings and test items.
//!
//! A light reading, not a compiler's: it splits text into identifiers and punctuation, spells out
//! `use` trees, and joins `a::b::c` paths. A name hidden behind a macro or an alias of a module
//! gets past it; words (identifiers forbidden anywhere) catch the usual ones.

/// A path that the source names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named {
    /// Its segments.
    pub(crate) segments: Vec<String>,
    /// Where it ends, counted from 1.
    pub(crate) line: usize,
}

impl Named {
    /// As it would be written out.
    pub(crate) fn path(&self) -> String {
        self.segments.join("::")
    }

    /// Is it `path`, or something inside it?
    pub(crate) fn is_below(&self, path: &str) -> bool {
        let mut own = self.segments.iter();
        path.split("::").all(|segment| own.next().is_some_and(|mine| mine == segment))
    }

    /// Is `word` one of its segments?
    pub(crate) fn contains(&self, word: &str) -> bool {
        self.segments.iter().any(|segment| segment == word)
    }
}

/// Files that hold only tests.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/")
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    Word(String),
    Path,
    Mark(char),
}

type Tokens = Vec<(Token, usize)>;

/// All paths that `text` names, in order.
pub(crate) fn names(text: &str) -> Vec<Named> {
    let tokens = without_tests(tokens(text));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].0 == Token::Word("use".to_owned()) {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if let Token::Word(_) = tokens[at].0 {
            let (segments, line, next) = path_at(&tokens, at);
            found.push(Named { segments, line });
            at = next;
        } else {
            at += 1;
        }
    }
    found
}

/// Reads `a::b::c` from `at`; the segments, the last one's line, and where to go on.
fn path_at(tokens: &Tokens, mut at: usize) -> (Vec<String>, usize, usize) {
    let mut segments = Vec::new();
    let mut line = 0;
    while let Some((Token::Word(word), on)) = tokens.get(at) {
        segments.push(word.clone());
        line = *on;
        at += 1;
        let path_goes_on = tokens.get(at).is_some_and(|(token, _)| *token == Token::Path)
            && matches!(tokens.get(at + 1), Some((Token::Word(_), _)));
        if !path_goes_on {
            break;
        }
        at += 1;
    }
    (segments, line, at)
}

/// Reads one `use` tree from `at`, each leaf with `before` in front; where to go on.
fn use_tree(tokens: &Tokens, at: usize, before: &[String], found: &mut Vec<Named>) -> usize {
    let mut at = at;
    if tokens.get(at).is_some_and(|(token, _)| *token == Token::Path) {
        at += 1;
    }
    let (segments, line, mut at) = path_at(tokens, at);
    let mut path = before.to_vec();
    path.extend(segments.into_iter().filter(|segment| segment != "self"));
    if tokens.get(at).is_some_and(|(token, _)| *token == Token::Path) {
        at += 1;
    }
    match tokens.get(at) {
        Some((Token::Mark('{'), _)) => {
            at += 1;
            while let Some((token, _)) = tokens.get(at) {
                match token {
                    Token::Mark('}') => return at + 1,
                    Token::Mark(',') => at += 1,
                    Token::Word(_) | Token::Path | Token::Mark(_) => {
                        at = use_tree(tokens, at, &path, found).max(at + 1);
                    }
                }
            }
            at
        }
        Some((Token::Mark('*'), line)) => {
            path.push("*".to_owned());
            found.push(Named { segments: path, line: *line });
            at + 1
        }
        _ => {
            if !path.is_empty() {
                found.push(Named { segments: path, line });
            }
            if tokens.get(at).is_some_and(|(token, _)| *token == Token::Word("as".to_owned())) {
                at += 2;
            }
            at
        }
    }
}

/// Drops every item under `#[cfg(test)]`.
fn without_tests(tokens: Tokens) -> Tokens {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens, at) {
            at = after_item(&tokens, at);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn is_test_attribute(tokens: &Tokens, at: usize) -> bool {
    let wanted = [
        Token::Mark('#'),
        Token::Mark('['),
        Token::Word("cfg".to_owned()),
        Token::Mark('('),
        Token::Word("test".to_owned()),
        Token::Mark(')'),
        Token::Mark(']'),
    ];
    wanted
        .iter()
        .enumerate()
        .all(|(offset, token)| tokens.get(at + offset).is_some_and(|(have, _)| have == token))
}

/// The end of the item that begins at `at`: its closing brace, or a semicolon outside all brackets.
fn after_item(tokens: &Tokens, mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some((token, _)) = tokens.get(at) {
        at += 1;
        match token {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark(')' | ']') => depth = depth.saturating_sub(1),
            Token::Mark('}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            Token::Mark(';') if depth == 0 => return at,
            Token::Word(_) | Token::Path | Token::Mark(_) => {}
        }
    }
    at
}

fn tokens(text: &str) -> Tokens {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Tokens::new();
    let mut line = 1;
    let mut at = 0;
    while at < characters.len() {
        let here = characters[at];
        let next = characters.get(at + 1).copied();
        let end = match (here, next) {
            ('/', Some('/')) => until(&characters, at, |c| c == '\n'),
            ('/', Some('*')) => after_block_comment(&characters, at),
            ('"', _) => after_string(&characters, at),
            ('r', Some('"' | '#')) if raw_string_end(&characters, at).is_some() => {
                raw_string_end(&characters, at).unwrap_or(at + 1)
            }
            ('\'', _) => after_quote(&characters, at),
            (':', Some(':')) => {
                tokens.push((Token::Path, line));
                at + 2
            }
            _ if here.is_alphanumeric() || here == '_' => {
                let end = until(&characters, at, |c| !(c.is_alphanumeric() || c == '_'));
                let word: String = characters[at..end].iter().collect();
                if !here.is_ascii_digit() {
                    tokens.push((Token::Word(word), line));
                } else if let Some(float) = ["f32", "f64"].iter().find(|f| word.ends_with(**f)) {
                    tokens.push((Token::Word((*float).to_owned()), line));
                }
                end
            }
            _ => {
                if !here.is_whitespace() {
                    tokens.push((Token::Mark(here), line));
                }
                at + 1
            }
        };
        line += characters[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn until(characters: &[char], from: usize, stop: impl Fn(char) -> bool) -> usize {
    let offset = characters[from..].iter().position(|c| stop(*c));
    offset.map_or(characters.len(), |offset| from + offset)
}

fn after_block_comment(characters: &[char], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while at < characters.len() {
        match (characters[at], characters.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn after_string(characters: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < characters.len() {
        match characters[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    characters.len()
}

/// The end of a raw string that begins at `from`, or `None` when none does.
fn raw_string_end(characters: &[char], from: usize) -> Option<usize> {
    let hashes = characters[from + 1..].iter().take_while(|c| **c == '#').count();
    let mut at = from + 1 + hashes;
    if characters.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < characters.len() {
        let closing = characters[at] == '"'
            && characters[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
        if closing {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(at)
}

/// After a character literal, or after the quote alone where it begins a lifetime.
fn after_quote(characters: &[char], from: usize) -> usize {
    match (characters.get(from + 1), characters.get(from + 2)) {
        (Some('\\'), _) => {
            let mut at = from + 3;
            while characters.get(at).is_some_and(|c| *c != '\'') {
                at += 1;
            }
            (at + 1).min(characters.len())
        }
        (Some(_), Some('\'')) => from + 3,
        _ => from + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        names(text).iter().map(Named::path).collect()
    }

    #[test]
    fn names_spells_out_use_trees() {
        let text = "pub use a::{b, c::{self, d as e}, f::*};\nuse ::g;";
        assert_eq!(paths(text), ["pub", "a::b", "a::c", "a::c::d", "a::f::*", "g"]);
    }

    #[test]
    fn names_joins_paths_and_counts_lines() {
        let found = names("fn x() {\n    std::fs::read(p);\n}\n");
        let read = found.iter().find(|named| named.is_below("std::fs")).unwrap();
        assert_eq!((read.path().as_str(), read.line), ("std::fs::read", 2));
        assert!(!read.is_below("std::fsx"));
        assert!(!read.is_below("std::fs::read::more"));
    }

    #[test]
    fn names_skips_comments_strings_and_characters() {
        let text = r##"
            // std::fs
            /* std::net /* nested std::env */ still */
            /// std::time::Instant
            let a = "std::fs \" std::fs"; let b = r#"std::fs "quoted" "#; let c = '"';
            let d: &'static str = "std::fs"; let e = '\n'; let f = '\u{1F600}';
            done
        "##;
        let found = paths(text);
        assert!(!found.iter().any(|path| path.starts_with("std")), "{found:?}");
        assert_eq!(found.last().map(String::as_str), Some("done"));
    }

    #[test]
    fn names_skips_test_items_only() {
        let text = "#[cfg(test)]\nuse std::fs;\n#[cfg(test)]\nmod tests { fn a() { std::net::x(); } }\n\
                    #[cfg(test)]\nmod more;\nuse std::env;";
        assert_eq!(paths(text), ["std::env"]);
    }

    #[test]
    fn names_sees_float_suffixes() {
        assert!(names("let a = 1f64;").iter().any(|named| named.contains("f64")));
        assert!(!names("let a = 1_u64;").iter().any(|named| named.contains("f64")));
    }

    #[test]
    fn test_files_are_known_by_their_names() {
        assert!(is_test_file("a/src/tests.rs"));
        assert!(is_test_file("a/src/b/tests/c.rs"));
        assert!(!is_test_file("a/src/attests.rs"));
    }
}
