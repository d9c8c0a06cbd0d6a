//! What no provider can have been created with, whatever the token says: names and functions that do not exist, and parts
//! whose type is plain from the text and wrong. `true || nothing()` would be true if it ran; it never gets that far.
//!
//! Source: the language definition of google/cel-spec (508bd98, 2026-06-10), "Type checking": an expression is checked as a
//! whole before any of it is evaluated. Whatever comes from the token may be of any type.

use super::functions::TYPES;
use super::tree::{Expr, Kind};
use super::value::Value;

/// The names that a condition may use.
const NAMES: [&str; 3] = ["assertion", "attribute", "google"];
/// Functions that CEL or its public extensions have and that are not computed here: they exist, and that is all that is known.
const OTHERS: [&str; 34] = [
    "timestamp",
    "duration",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "indexOf",
    "lastIndexOf",
    "format",
    "reverse",
    "upperAscii",
    "trim",
    "replace",
    "charAt",
    "substring",
    "string",
    "bytes",
    "bool",
    "dyn",
    "type",
    "uint",
    "double",
    "int",
    "size",
    "join",
    "split",
    "lowerAscii",
    "extract",
];

/// A type, as far as the text tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// Any: it comes from the token, or is not followed here.
    Any,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    List,
    Map,
}

impl Type {
    fn may_be(self, others: &[Type]) -> bool {
        self == Type::Any || others.contains(&self)
    }

    fn fits(self, other: Type) -> bool {
        self == Type::Any || other == Type::Any || self == other
    }
}

/// Why no provider has this expression; `None` where nothing speaks against it.
pub(super) fn refused(expr: &Expr) -> Option<String> {
    check(expr, &mut Vec::new()).err()
}

fn check<'e>(expr: &'e Expr, local: &mut Vec<&'e str>) -> Result<Type, String> {
    let wrong = |what: &str| Err(format!("{what} is of another type than it has to be"));
    match &expr.kind {
        Kind::Literal(value) => Ok(literal(value)),
        Kind::Name(name) if local.contains(&name.as_str()) => Ok(Type::Any),
        Kind::Name(name) if NAMES.contains(&name.as_str()) => Ok(Type::Map),
        Kind::Name(name) if TYPES.contains(&name.as_str()) => Ok(Type::Any),
        Kind::Name(name) => Err(format!("there is no name `{name}`")),
        Kind::Field(of, name) => match check(of, local)?.may_be(&[Type::Map]) {
            true => Ok(Type::Any),
            false => wrong(&format!("what `.{name}` is taken of")),
        },
        Kind::Has(of, name) => match check(of, local)?.may_be(&[Type::Map]) {
            true => Ok(Type::Bool),
            false => wrong(&format!("what `has` asks for `{name}`")),
        },
        Kind::Index(of, index) => {
            let (of, index) = (check(of, local)?, check(index, local)?);
            match of {
                Type::List if !index.may_be(&[Type::Int]) => wrong("the index of a list"),
                Type::List | Type::Map | Type::Any => Ok(Type::Any),
                _ => wrong("what `[…]` is taken of"),
            }
        }
        Kind::List(items) => {
            items.iter().try_for_each(|item| check(item, local).map(drop))?;
            Ok(Type::List)
        }
        Kind::Map(entries) => {
            entries.iter().flat_map(|(key, value)| [key, value]).try_for_each(|one| check(one, local).map(drop))?;
            Ok(Type::Map)
        }
        Kind::All(parts) | Kind::Any(parts) => {
            for part in parts {
                if !check(part, local)?.may_be(&[Type::Bool]) {
                    return wrong("a part of `&&` or `||`");
                }
            }
            Ok(Type::Bool)
        }
        Kind::Not(inner) => match check(inner, local)?.may_be(&[Type::Bool]) {
            true => Ok(Type::Bool),
            false => wrong("what `!` stands before"),
        },
        Kind::Negate(inner) => match check(inner, local)? {
            one if one.may_be(&[Type::Int, Type::Double]) => Ok(one),
            _ => wrong("what `-` stands before"),
        },
        Kind::Binary(operator, one, two) => binary(operator, check(one, local)?, check(two, local)?),
        Kind::Choice(condition, yes, no) => {
            if !check(condition, local)?.may_be(&[Type::Bool]) {
                return wrong("what stands before `?`");
            }
            let (yes, no) = (check(yes, local)?, check(no, local)?);
            if yes.fits(no) { Ok(if yes == no { yes } else { Type::Any }) } else { wrong("what stands behind `:`") }
        }
        Kind::Call { on, name, args } => {
            let on = on.as_ref().map(|on| check(on, local)).transpose()?;
            let args = args.iter().map(|arg| check(arg, local)).collect::<Result<Vec<_>, _>>()?;
            call(on, name, &args)
        }
        Kind::Each { name, over, variable, body } => {
            if !check(over, local)?.may_be(&[Type::List, Type::Map]) {
                return wrong(&format!("what `{name}` goes over"));
            }
            local.push(variable);
            let body: Result<Vec<Type>, String> = body.iter().map(|part| check(part, local)).collect();
            local.pop();
            let body = body?;
            // Of `map` the last part is a value; what else there is, and all of the others, are questions.
            let questions = if *name == "map" { body.len().saturating_sub(1) } else { body.len() };
            if !body.iter().take(questions).all(|part| part.may_be(&[Type::Bool])) {
                return wrong(&format!("the question of `{name}`"));
            }
            Ok(if ["map", "filter"].contains(name) { Type::List } else { Type::Bool })
        }
    }
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::Text(_) => Type::Text,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Any,
    }
}

fn binary(operator: &str, one: Type, two: Type) -> Result<Type, String> {
    use Type::{Bool, Bytes, Double, Int, List, Text, Uint};
    let wrong = || Err(format!("the two sides of `{operator}` are of types that it does not take"));
    let ordered = [Bool, Int, Uint, Double, Text, Bytes];
    match operator {
        "in" => {
            if two.may_be(&[List, Type::Map]) {
                Ok(Bool)
            } else {
                wrong()
            }
        }
        _ if !one.fits(two) => wrong(),
        "==" | "!=" => Ok(Bool),
        "<" | "<=" | ">" | ">=" if one.may_be(&ordered) && two.may_be(&ordered) => Ok(Bool),
        "+" if one.may_be(&[Int, Uint, Double, Text, Bytes, List])
            && two.may_be(&[Int, Uint, Double, Text, Bytes, List]) =>
        {
            Ok(if one == Type::Any { two } else { one })
        }
        "-" | "*" | "/" | "%" if one.may_be(&[Int, Uint, Double]) && two.may_be(&[Int, Uint, Double]) => {
            Ok(if one == Type::Any { two } else { one })
        }
        _ => wrong(),
    }
}

fn call(on: Option<Type>, name: &str, args: &[Type]) -> Result<Type, String> {
    use Type::{Any, Bool, Int, List, Map, Text};
    let wrong = || Err(format!("`{name}` does not take these arguments"));
    let text = |one: Type| one.may_be(&[Text]);
    let sized = |one: Type| one.may_be(&[Text, Type::Bytes, List, Map]);
    match (on, name, args) {
        (Some(on), "contains" | "startsWith" | "endsWith" | "matches", [one]) if text(on) && text(*one) => Ok(Bool),
        (None, "matches", [on, one]) if text(*on) && text(*one) => Ok(Bool),
        (Some(on), "extract", [one]) if text(on) && text(*one) => Ok(Text),
        (Some(on), "split", [one]) if text(on) && text(*one) => Ok(List),
        (Some(on), "split", [one, most]) if text(on) && text(*one) && most.may_be(&[Int]) => Ok(List),
        (Some(on), "join", []) if on.may_be(&[List]) => Ok(Text),
        (Some(on), "join", [one]) if on.may_be(&[List]) && text(*one) => Ok(Text),
        (Some(on), "lowerAscii", []) if text(on) => Ok(Text),
        (Some(on), "size", []) if sized(on) => Ok(Int),
        (None, "size", [one]) if sized(*one) => Ok(Int),
        (None, "int", [one]) if !one.may_be(&[Text, Int, Type::Uint, Type::Double]) => wrong(),
        (None, "int", [_]) => Ok(Int),
        (_, "contains" | "startsWith" | "endsWith" | "matches" | "extract" | "split" | "join" | "lowerAscii", _)
        | (_, "size" | "int", _) => wrong(),
        (_, other, _) if OTHERS.contains(&other) => Ok(Any),
        _ => Err(format!("there is no function `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::refused;

    #[test]
    fn what_no_compiler_takes_is_found_where_nothing_evaluates_it() {
        for (text, is_refused) in [
            ("true", false),
            ("assertion.sub == 'x' || attribute.y.startsWith('z') && google.subject != ''", false),
            ("assertion.a == 1 || assertion.a == 'x'", false),
            ("assertion.list.exists(one, one == 'x' && one.size() > 1)", false),
            ("assertion.list.map(one, one + 'x').join(',') == ''", false),
            ("size(assertion) > 1 || [1].size() == 1", false),
            ("true || timestamp(assertion.iat) > timestamp('2020-01-01T00:00:00Z')", false),
            ("true || assertion.sub.upperAscii() == 'X'", false),
            ("{'a': true}[assertion.sub] ? 'x' == 'x' : assertion.z", false),
            ("int(assertion.a) == 1 && type(assertion.a) == string", false),
            ("true || nothing()", true),
            ("true || assertion.sub.nothing()", true),
            ("true || nothing", true),
            ("true || one.exists(one, one)", true),
            ("true || [1].exists(one, true) && one", true),
            ("true || 1", true),
            ("true || 'a' == 1", true),
            ("true || !1", true),
            ("true || -'a' == 'b'", true),
            ("true || 'a'.b", true),
            ("true || has('a'.b)", true),
            ("true || [1]['a']", true),
            ("true || 'a'['b']", true),
            ("true || ('a' ? true : false)", true),
            ("true || (true ? 'a' : 1) == 'a'", true),
            ("true || 'a' in 'b'", true),
            ("true || 'a' + 1 == 'x'", true),
            ("true || [1] - [1] == []", true),
            ("true || [1] < [2]", true),
            ("true || [1].exists(x, 1)", true),
            ("true || 'a'.exists(x, true)", true),
            ("true || assertion.sub.startsWith(1)", true),
            ("true || assertion.sub.startsWith()", true),
            ("true || size()", true),
            ("true || size(1) == 1", true),
            ("true || 'a'.join() == ''", true),
            ("true || int([]) == 1", true),
        ] {
            assert_eq!(refused(&parse(text).unwrap()).is_some(), is_refused, "{text}");
        }
    }

    /// One expression of each type: of any, bool, int, uint, double, text (`t`), bytes (`y`), list and map.
    const OF_TYPE: [(char, &str); 9] = [
        ('a', "assertion.a"),
        ('b', "true"),
        ('i', "1"),
        ('u', "1u"),
        ('d', "1.0"),
        ('t', "'a'"),
        ('y', "b'a'"),
        ('l', "[1]"),
        ('m', "{'a': 1}"),
    ];

    fn is_taken(text: &str) -> bool {
        refused(&parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))).is_none()
    }

    #[test]
    fn an_operator_takes_the_types_that_cel_gives_it() {
        for (operators, types) in [("== !=", "biudtylm"), ("< <= > >=", "biudty"), ("+", "iudtyl"), ("- * / %", "iud")]
        {
            for operator in operators.split(' ') {
                for (one, left) in OF_TYPE {
                    for (two, right) in OF_TYPE {
                        let known = |of: char| of == 'a' || types.contains(of);
                        let expected = known(one) && known(two) && (one == two || one == 'a' || two == 'a');
                        let text = format!("{left} {operator} {right}");
                        assert_eq!(is_taken(&text), expected, "{text}");
                    }
                }
            }
        }
        // What they give: the type of the side that has one, or a question's answer.
        for (text, expected) in [
            ("assertion.a + 'x' == 'y'", true),
            ("assertion.a + 1 == 'y'", false),
            ("'x' + assertion.a == 1", false),
            ("assertion.a - 1 == 1u", false),
            ("1 - assertion.a == 1u", false),
            ("(1 == 1) == true", true),
            ("(1 < 2) == 1", false),
            ("('a' in [1]) == 1", false),
            ("(assertion.a + assertion.b) == 1", true),
        ] {
            assert_eq!(is_taken(text), expected, "{text}");
        }
    }

    #[test]
    fn everything_else_takes_the_types_that_cel_gives_it() {
        // `#` is where the expression of a type stands.
        for (form, types) in [
            ("-#", "aid"),
            ("!#", "ab"),
            ("# && true", "ab"),
            ("false || #", "ab"),
            ("# ? 1 : 2", "ab"),
            ("true ? # : 'x'", "at"),
            ("true ? 'x' : #", "at"),
            ("(true ? # : assertion.b) == 1", "abiudtylm"),
            ("(true ? 'x' : #) == 1", "a"),
            ("#.name", "am"),
            ("has(#.name)", "am"),
            ("#['a']", "am"),
            ("#[0]", "alm"),
            ("[1][#]", "ai"),
            ("{'a': 1}[#]", "abiudtylm"),
            ("'a' in #", "alm"),
            ("# in [1]", "abiudtylm"),
            ("[#] == [1]", "abiudtylm"),
            ("[#] == 1", ""),
            ("{'a': #} == {'b': 1}", "abiudtylm"),
            ("{#: 1} == 1", ""),
            ("#.contains('x')", "at"),
            ("'x'.contains(#) == true", "at"),
            ("'x'.startsWith(#) == true", "at"),
            ("#.startsWith('x')", "at"),
            ("#.endsWith('x')", "at"),
            ("'x'.endsWith(#)", "at"),
            ("#.matches('x')", "at"),
            ("'x'.matches(#)", "at"),
            ("matches(#, 'x')", "at"),
            ("matches('x', #) == true", "at"),
            ("#.extract('{x}') == 'x'", "at"),
            ("'x'.extract(#) == 'x'", "at"),
            ("#.split('x') == ['x']", "at"),
            ("'x'.split(#)", "at"),
            ("#.split('x', 1) == ['x']", "at"),
            ("'x'.split(#, 1)", "at"),
            ("'x'.split('x', #)", "ai"),
            ("#.join() == 'x'", "al"),
            ("#.join('x') == 'x'", "al"),
            ("['x'].join(#)", "at"),
            ("#.lowerAscii() == 'x'", "at"),
            ("#.size() == 1", "atylm"),
            ("size(#) == 1", "atylm"),
            ("int(#) == 1", "aiudt"),
            ("#.trim() == 1", "abiudtylm"),
            ("#.exists(x, true) == true", "alm"),
            ("#.all(x, x)", "alm"),
            ("#.filter(x, true) == [1]", "alm"),
            ("#.map(x, 1) == [1]", "alm"),
            ("[1].exists(x, #)", "ab"),
            ("[1].all(x, #)", "ab"),
            ("[1].exists_one(x, #)", "ab"),
            ("[1].filter(x, #)", "ab"),
            ("[1].map(x, #)", "abiudtylm"),
            ("[1].map(x, #, 1)", "ab"),
            ("[1].map(x, true, #)", "abiudtylm"),
            ("[1].filter(x, true) == #", "al"),
            ("[1].exists(x, true) == #", "ab"),
        ] {
            for (of, expression) in OF_TYPE {
                let text = form.replace('#', expression);
                assert_eq!(is_taken(&text), types.contains(of), "{text}");
            }
        }
    }
}
