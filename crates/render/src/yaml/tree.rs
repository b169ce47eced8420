//! A YAML document as a tree of nodes that know their bytes.

use super::YamlError;
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use std::ops::Range;

/// A node and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text. Of a block scalar the header (`|`, `>-`) stands before them; an empty value has none.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 0.
    pub column: usize,
    /// The end of its tag (`!!str`), if it has one.
    pub tag_end: Option<usize>,
    /// Does it carry an anchor?
    pub anchored: bool,
}

/// The kinds of node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A single value.
    Scalar {
        /// The value after escapes.
        value: String,
        /// How it is written.
        style: ScalarStyle,
    },
    /// A list.
    List {
        /// Its items.
        items: Vec<Node>,
        /// Written as `[…]`?
        flow: bool,
    },
    /// A map, keys in order.
    Map {
        /// Its entries.
        entries: Vec<(Node, Node)>,
        /// Written as `{…}`?
        flow: bool,
    },
    /// `*name`.
    Alias(usize),
}

impl Node {
    /// The value of the map's key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Kind::Map { entries, .. } = &self.kind else { return None };
        entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The same, places left out: what the document says.
    pub(super) fn meaning(&self) -> Meaning<'_> {
        match &self.kind {
            Kind::Scalar { value, style } => Meaning::Scalar(value, matches!(style, ScalarStyle::Plain)),
            Kind::Alias(id) => Meaning::Alias(*id),
            Kind::List { items, .. } => Meaning::List(items.iter().map(Self::meaning).collect()),
            Kind::Map { entries, .. } => {
                Meaning::Map(entries.iter().map(|(key, value)| (key.meaning(), value.meaning())).collect())
            }
        }
    }
}

/// A node without its place, for comparing two readings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    Scalar(&'a str, bool),
    Alias(usize),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

/// Reads the documents of a text.
///
/// # Errors
/// [`YamlError::Syntax`] with the place.
pub fn documents(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut reader = Reader { text, stack: Vec::new(), documents: Vec::new() };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|err| YamlError::Syntax {
            line: err.marker().line(),
            column: err.marker().col() + 1,
            message: err.info(),
        })?;
        reader.event(event, span);
    }
    Ok(reader.documents)
}

struct Reader<'a> {
    text: &'a str,
    stack: Vec<Open>,
    documents: Vec<Node>,
}

struct Open {
    node: Node,
    key: Option<Node>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) {
        let (start, end) = (span.start.byte_offset().unwrap_or(0), span.end.byte_offset().unwrap_or(0));
        let tag_end = span.tag_span().and_then(|tag| tag.end.byte_offset());
        let node = |kind, anchor: usize| Node {
            kind,
            span: start..end.max(start),
            line: span.start.line(),
            column: span.start.col(),
            tag_end,
            anchored: anchor != 0,
        };
        match event {
            Event::Scalar(value, style, anchor, _) => {
                let mut node = node(Kind::Scalar { value: value.into_owned(), style }, anchor);
                self.trim(&mut node);
                self.add(node);
            }
            Event::Alias(id) => self.add(node(Kind::Alias(id), 0)),
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                self.stack.push(Open { node: node(Kind::List { items: Vec::new(), flow }, anchor), key: None });
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                self.stack.push(Open { node: node(Kind::Map { entries: Vec::new(), flow }, anchor), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(mut open) = self.stack.pop() {
                    open.node.span.end = end.max(open.node.span.start);
                    self.add(open.node);
                }
            }
            _ => {}
        }
    }

    /// A plain scalar's span may take in white space behind it, and an empty one reads as `~`.
    fn trim(&self, node: &mut Node) {
        if let Kind::Scalar { style: ScalarStyle::Plain, value } = &mut node.kind {
            let written = self.text.get(node.span.clone()).unwrap_or_default().trim_end();
            node.span.end = node.span.start + written.len();
            if written.is_empty() {
                value.clear();
            }
        }
    }

    fn add(&mut self, node: Node) {
        let Some(open) = self.stack.last_mut() else {
            self.documents.push(node);
            return;
        };
        match &mut open.node.kind {
            Kind::List { items, .. } => items.push(node),
            Kind::Map { entries, .. } => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => entries.push((key, node)),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}
