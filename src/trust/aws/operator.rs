//! Names of condition operators, read into what they do. Source: IAM user guide, "Condition operators".

/// What is compared, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// Texts: exactly, or without regard to case.
    Text {
        ignore_case: bool,
    },
    /// Texts with wildcards.
    Like,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// Which side of the condition's value the request's has to lie on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Whether `presented` compared with `expected` is what is wanted.
    pub(super) fn holds(self, found: std::cmp::Ordering) -> bool {
        match self {
            Order::Equal => found.is_eq(),
            Order::Less => found.is_lt(),
            Order::LessOrEqual => found.is_le(),
            Order::Greater => found.is_gt(),
            Order::GreaterOrEqual => found.is_ge(),
        }
    }
}

/// A set operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    ForAllValues,
    ForAnyValue,
}

/// An operator's whole name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) set: Option<Set>,
    pub(super) test: Test,
    pub(super) negated: bool,
    pub(super) if_exists: bool,
}

const POSITIVE: [(&str, Test); 18] = [
    ("stringequals", Test::Text { ignore_case: false }),
    ("stringequalsignorecase", Test::Text { ignore_case: true }),
    ("stringlike", Test::Like),
    ("numericequals", Test::Numeric(Order::Equal)),
    ("numericlessthan", Test::Numeric(Order::Less)),
    ("numericlessthanequals", Test::Numeric(Order::LessOrEqual)),
    ("numericgreaterthan", Test::Numeric(Order::Greater)),
    ("numericgreaterthanequals", Test::Numeric(Order::GreaterOrEqual)),
    ("dateequals", Test::Date(Order::Equal)),
    ("datelessthan", Test::Date(Order::Less)),
    ("datelessthanequals", Test::Date(Order::LessOrEqual)),
    ("dategreaterthan", Test::Date(Order::Greater)),
    ("dategreaterthanequals", Test::Date(Order::GreaterOrEqual)),
    ("bool", Test::Bool),
    ("binaryequals", Test::Binary),
    ("ipaddress", Test::Ip),
    ("arnequals", Test::Arn),
    ("arnlike", Test::Arn),
];
const NEGATED: [(&str, Test); 8] = [
    ("stringnotequals", Test::Text { ignore_case: false }),
    ("stringnotequalsignorecase", Test::Text { ignore_case: true }),
    ("stringnotlike", Test::Like),
    ("numericnotequals", Test::Numeric(Order::Equal)),
    ("datenotequals", Test::Date(Order::Equal)),
    ("notipaddress", Test::Ip),
    ("arnnotequals", Test::Arn),
    ("arnnotlike", Test::Arn),
];

impl Operator {
    /// Reads a name, in whatever case; `None` for one that IAM does not have. `NullIfExists` is none.
    pub(super) fn parse(name: &str) -> Option<Operator> {
        let name = name.to_lowercase();
        let (set, rest) = if let Some(rest) = name.strip_prefix("forallvalues:") {
            (Some(Set::ForAllValues), rest)
        } else if let Some(rest) = name.strip_prefix("foranyvalue:") {
            (Some(Set::ForAnyValue), rest)
        } else {
            (None, name.as_str())
        };
        if rest == "null" {
            return Some(Operator { set, test: Test::Null, negated: false, if_exists: false });
        }
        let (rest, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |rest| (rest, true));
        let of = |table: &[(&str, Test)]| table.iter().find(|(name, _)| *name == rest).map(|(_, test)| *test);
        let (test, negated) = match of(&POSITIVE) {
            Some(test) => (test, false),
            None => (of(&NEGATED)?, true),
        };
        Some(Operator { set, test, negated, if_exists })
    }

    /// Whether it holds on a key that the request does not have.
    pub(super) fn holds_on_absence(self) -> bool {
        match self.set {
            Some(Set::ForAnyValue) => false,
            Some(Set::ForAllValues) => true,
            None => self.negated || self.if_exists,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_case_with_prefix_and_suffix() {
        let plain = Operator { set: None, test: Test::Like, negated: false, if_exists: false };
        assert_eq!(Operator::parse("STRINGLIKE"), Some(plain));
        assert_eq!(
            Operator::parse("ForAnyValue:StringNotLikeIfExists"),
            Some(Operator { set: Some(Set::ForAnyValue), negated: true, if_exists: true, ..plain })
        );
        for name in [
            "",
            "String",
            "StringMatches",
            "NullIfExists",
            "StringEqualsIfExistsIfExists",
            "IfExists",
            "NotBool",
            "BinaryNotEquals",
            "ForAllValues:",
            "ForAllValues:ForAnyValue:StringLike",
            "ForSomeValues:StringLike",
            "StringEquals ",
            "ForAllValues: StringLike",
            "ForAllValues:NullIfExists",
            "StringLikeIgnoreCase",
        ] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }

    #[test]
    fn every_documented_name_is_read() {
        let names = "StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike \
            StringNotLike NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan \
            NumericGreaterThanEquals DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan \
            DateGreaterThanEquals Bool BinaryEquals IpAddress NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike";
        for name in names.split_whitespace() {
            let operator = Operator::parse(name).unwrap();
            assert_eq!(operator.negated, name.contains("Not"), "{name}");
            assert!(Operator::parse(&format!("{name}IfExists")).unwrap().if_exists, "{name}");
        }
    }
}
