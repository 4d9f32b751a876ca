//! Finds the atomic operations of the source that have an ordering stronger than `Relaxed`, by parsing the source.

use crate::workspace::root;
use proc_macro2::{Span, TokenStream, TokenTree};
use selvedge_loom::backend::atomic::Ordering;
use selvedge_loom::backend::probe::site::SourceLocation;
use selvedge_loom::backend::probe::site::{Mutant, Site};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use syn::visit::{self, Visit};

/// The serialized form of a [`Site`]. Operand 1 is the failure ordering of a compare-exchange.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub operand: usize,
}

impl From<Site> for Key {
    fn from(
        Site {
            location: SourceLocation { file, line, column },
            operand,
        }: Site,
    ) -> Key {
        Key {
            file,
            line,
            column,
            operand,
        }
    }
}

/// An ordering in the source that is stronger than `Relaxed`.
#[derive(Clone, Debug)]
pub struct StrongOrdering {
    pub key: Key,
    pub function: String,
    /// The name of the operation, such as `swap`.
    pub operation: String,
    /// The trimmed source line of the operation.
    pub text: String,
    pub ordering: Ordering,
}

/// A strong ordering and the weaker one that replaces it; written `file:line:column:operand:ordering`.
#[derive(Clone, Debug)]
pub struct WeakenedOrdering {
    pub key: Key,
    pub becomes: Ordering,
}

impl fmt::Display for WeakenedOrdering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key {
            file,
            line,
            column,
            operand,
        } = &self.key;
        write!(f, "{file}:{line}:{column}:{operand}:{:?}", self.becomes)
    }
}

impl FromStr for WeakenedOrdering {
    type Err = String;

    fn from_str(text: &str) -> Result<WeakenedOrdering, String> {
        let parts: Vec<&str> = text.rsplitn(5, ':').collect();
        let [becomes, operand, column, line, file] = parts[..] else {
            return Err("expected file:line:column:operand:ordering".into());
        };
        let number = |text: &str| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
        let (line, column, operand) = (number(line)?, number(column)?, number(operand)? as usize);
        let becomes = parse_ordering(becomes).ok_or_else(|| format!("{becomes} is not an ordering"))?;
        Ok(WeakenedOrdering {
            key: Key {
                file: file.into(),
                line,
                column,
                operand,
            },
            becomes,
        })
    }
}

impl From<WeakenedOrdering> for Mutant {
    fn from(
        WeakenedOrdering {
            key:
                Key {
                    file,
                    line,
                    column,
                    operand,
                },
            becomes,
        }: WeakenedOrdering,
    ) -> Mutant {
        Mutant {
            site: Site {
                location: SourceLocation { file, line, column },
                operand,
            },
            becomes,
        }
    }
}

impl StrongOrdering {
    /// The weaker orderings to test, one mutant each. For `AcqRel` they include each half alone.
    pub fn weaker(&self) -> &'static [Ordering] {
        match (self.ordering, self.operation.as_str()) {
            (Ordering::AcqRel, _) => &[Ordering::Acquire, Ordering::Release, Ordering::Relaxed],
            (Ordering::SeqCst, "load") => &[Ordering::Acquire],
            (Ordering::SeqCst, "store") => &[Ordering::Release],
            (Ordering::SeqCst, _) if self.key.operand == 1 => &[Ordering::Acquire],
            (Ordering::SeqCst, _) => &[Ordering::AcqRel],
            _ => &[Ordering::Relaxed],
        }
    }
}

/// Whether the orderings of this file are mutated. The backend is part of the checker and is excluded.
pub fn is_checked(file: &str) -> bool {
    file.starts_with("src/") && !file.starts_with("src/backend")
}

/// All strong orderings of `src`, in source order.
pub fn all() -> Result<Vec<StrongOrdering>, String> {
    let mut found = Vec::new();
    for entry in ignore::WalkBuilder::new(root().join("src"))
        .sort_by_file_path(Ord::cmp)
        .build()
    {
        let entry = entry.map_err(|error| error.to_string())?;
        let inside = entry.path().strip_prefix(root()).map_err(|error| error.to_string())?;
        let file = inside.to_string_lossy().replace('\\', "/");
        if file.ends_with(".rs") && is_checked(&file) {
            found.extend(of_file(entry.path(), &file)?);
        }
    }
    Ok(found)
}

fn of_file(path: &Path, file: &str) -> Result<Vec<StrongOrdering>, String> {
    let source = fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let parsed = syn::parse_file(&source).map_err(|error| format!("{file}: {error}"))?;
    let lines = source.lines().collect();
    let mut finder = Finder {
        file,
        lines,
        function: String::new(),
        found: Vec::new(),
        in_macro: None,
    };
    finder.visit_file(&parsed);
    match finder.in_macro {
        Some(line) => Err(format!(
            "{file}:{line}: an ordering inside a macro cannot be found by parsing"
        )),
        None => Ok(finder.found),
    }
}

struct Finder<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    function: String,
    found: Vec<StrongOrdering>,
    /// The line of the first macro that contains a strong ordering.
    in_macro: Option<usize>,
}

impl Finder<'_> {
    /// Records the strong orderings among the arguments of an operation. `at` is the operation's location in the compiled
    /// code.
    fn operation<'e>(&mut self, name: String, at: Span, arguments: impl Iterator<Item = &'e syn::Expr>) {
        let orderings = arguments.filter_map(|argument| match argument {
            syn::Expr::Path(path) => path
                .path
                .segments
                .last()
                .and_then(|last| parse_ordering(&last.ident.to_string())),
            _ => None,
        });
        let start = at.start();
        for (operand, ordering) in orderings
            .enumerate()
            .filter(|&(_, ordering)| ordering != Ordering::Relaxed)
        {
            let (line, column) = (start.line as u32, start.column as u32 + 1);
            self.found.push(StrongOrdering {
                key: Key {
                    file: self.file.into(),
                    line,
                    column,
                    operand,
                },
                function: self.function.clone(),
                operation: name.clone(),
                text: self.lines.get(start.line - 1).map_or("", |line| line.trim()).to_owned(),
                ordering,
            });
        }
    }

    fn in_function(&mut self, function: &syn::Ident, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.function, function.to_string());
        visit(self);
        self.function = outer;
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.in_function(&item.sig.ident, |finder| visit::visit_item_fn(finder, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.in_function(&item.sig.ident, |finder| visit::visit_impl_item_fn(finder, item));
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.operation(call.method.to_string(), call.method.span(), call.args.iter());
        visit::visit_expr_method_call(self, call);
    }

    /// Such as `fence(Acquire)` or `AtomicU32::load(&word, Acquire)`.
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func {
            let last = path.path.segments.last();
            let name = last.map(|last| last.ident.to_string()).unwrap_or_default();
            let first = path.path.segments.first();
            let at = first.map_or_else(Span::call_site, |first| first.ident.span());
            self.operation(name, at, call.args.iter());
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(at) = strong_ordering_in(call.tokens.clone()) {
            self.in_macro.get_or_insert(at.start().line);
        }
    }
}

fn strong_ordering_in(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => strong_ordering_in(group.stream()),
        TokenTree::Ident(word) if parse_ordering(&word.to_string()).is_some_and(|it| it != Ordering::Relaxed) => {
            Some(word.span())
        }
        _ => None,
    })
}

fn parse_ordering(word: &str) -> Option<Ordering> {
    let all = [
        Ordering::Relaxed,
        Ordering::Acquire,
        Ordering::Release,
        Ordering::AcqRel,
        Ordering::SeqCst,
    ];
    all.into_iter().find(|ordering| format!("{ordering:?}") == word)
}
