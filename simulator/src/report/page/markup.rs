//! Elements of HTML and SVG. Everything that is put into one is escaped, so that no text of a report
//! can become markup.

use std::fmt::{self, Display, Write as _};

/// An element with all that is in it.
pub(in crate::report) struct Tag {
    name: &'static str,
    attributes: String,
    inner: String,
}

/// An empty element.
pub(in crate::report) fn tag(name: &'static str) -> Tag {
    Tag {
        name,
        attributes: String::new(),
        inner: String::new(),
    }
}

impl Tag {
    /// With an attribute.
    pub(in crate::report) fn attr(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push(' ');
        self.attributes.push_str(name);
        self.attributes.push_str("=\"");
        self.attributes.push_str(&escaped(value));
        self.attributes.push('"');
        self
    }

    /// Of a class of the style sheet.
    pub(in crate::report) fn class(self, class: &'static str) -> Self {
        self.attr("class", class)
    }

    /// With text at its end.
    pub(in crate::report) fn text(mut self, text: impl Display) -> Self {
        self.inner.push_str(&escaped(text));
        self
    }

    /// With an element at its end.
    pub(in crate::report) fn put(mut self, child: Self) -> Self {
        self.put_in(&child);
        self
    }

    /// With elements at its end.
    pub(in crate::report) fn all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        for child in children {
            self.put_in(&child);
        }
        self
    }

    /// A cell with a number.
    pub(in crate::report) fn is_number(&self) -> bool {
        self.attributes == " class=\"number\""
    }

    fn put_in(&mut self, child: &Self) {
        let Self {
            name,
            attributes,
            inner,
        } = child;
        self.inner.push('<');
        self.inner.push_str(name);
        self.inner.push_str(attributes);
        self.inner.push('>');
        self.inner.push_str(inner);
        self.inner.push_str("</");
        self.inner.push_str(name);
        self.inner.push('>');
    }
}

impl Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            attributes,
            inner,
        } = self;
        write!(f, "<{name}{attributes}>{inner}</{name}>")
    }
}

/// Text that is neither markup nor the end of an attribute. Control characters are no characters of
/// HTML and become a sign.
pub(in crate::report) fn escaped(text: impl Display) -> String {
    let mut plain = String::new();
    // Writing to a string does not fail.
    let _ = write!(plain, "{text}");
    let mut escaped = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let hostile = "<b>&\"'</b>\u{0}\u{1b}";
        let text = tag("p").attr("title", hostile).text(hostile).to_string();
        let inside = "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;\u{fffd}\u{fffd}";
        assert_eq!(text, format!("<p title=\"{inside}\">{inside}</p>"));
    }

    #[test]
    fn elements_nest() {
        let rows = (1..=2).map(|n| tag("li").text(n));
        let list = tag("ul").class("plain").all(rows).put(tag("li"));
        assert_eq!(
            list.to_string(),
            "<ul class=\"plain\"><li>1</li><li>2</li><li></li></ul>"
        );
    }
}
