//! Partitions, regions and role ARNs: what can be known of an AWS role without asking AWS.

use std::fmt;

/// A partition: a group of regions with accounts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// Commercial regions.
    Aws,
    /// China.
    AwsCn,
    /// GovCloud (US).
    AwsUsGov,
    /// European Sovereign Cloud.
    AwsEusc,
}

impl Partition {
    /// All that are supported.
    pub const ALL: [Partition; 4] = [Partition::Aws, Partition::AwsCn, Partition::AwsUsGov, Partition::AwsEusc];

    /// The name in an ARN.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::AwsCn => "aws-cn",
            Partition::AwsUsGov => "aws-us-gov",
            Partition::AwsEusc => "aws-eusc",
        }
    }

    /// The suffix of the partition's host names.
    #[must_use]
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Partition::Aws | Partition::AwsUsGov => "amazonaws.com",
            Partition::AwsCn => "amazonaws.com.cn",
            Partition::AwsEusc => "amazonaws.eu",
        }
    }

    /// The partition a region lies in, by the expressions of the SDKs' partition table.
    #[must_use]
    pub fn of_region(region: &str) -> Option<Partition> {
        let mut parts: Vec<&str> = region.split('-').collect();
        let number = parts.pop()?;
        let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match parts.as_slice() {
            ["us", "gov", area] if word(area) => Some(Partition::AwsUsGov),
            ["eusc", "de", area] if word(area) => Some(Partition::AwsEusc),
            ["cn", area] if word(area) => Some(Partition::AwsCn),
            ["us" | "eu" | "ap" | "sa" | "ca" | "me" | "af" | "il" | "mx", area] if word(area) => Some(Partition::Aws),
            _ => None,
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The parts of a role's ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn {
    /// The partition.
    pub partition: Partition,
    /// Twelve digits.
    pub account: String,
    /// The name with its path: `team/deploy`.
    pub name: String,
}

impl RoleArn {
    /// Reads `arn:PARTITION:iam::ACCOUNT:role/NAME`; `Err` says what is wrong with it.
    ///
    /// # Errors
    /// The first part that does not fit, in words that finish the sentence "the role …".
    pub fn parse(text: &str) -> Result<RoleArn, String> {
        if !(20..=2048).contains(&text.len()) {
            return Err(format!("has {} characters, a role ARN has 20 to 2048", text.len()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
            return Err("is not of the form arn:PARTITION:iam::ACCOUNT:role/NAME".to_owned());
        };
        let partition = Partition::ALL
            .into_iter()
            .find(|known| known.as_str() == partition)
            .ok_or_else(|| format!("names the partition `{partition}`, known are aws, aws-cn, aws-us-gov, aws-eusc"))?;
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("has `{account}` where the account's twelve digits stand"));
        }
        let name = resource.strip_prefix("role/").ok_or("is not a role: after the account comes role/NAME")?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*') {
            return Err("has no usable name after role/".to_owned());
        }
        Ok(RoleArn { partition, account: account.to_owned(), name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_of_regions() {
        for (region, partition) in [
            ("eu-central-1", Some(Partition::Aws)),
            ("mx-central-1", Some(Partition::Aws)),
            ("ap-southeast-7", Some(Partition::Aws)),
            ("cn-north-1", Some(Partition::AwsCn)),
            ("us-gov-west-1", Some(Partition::AwsUsGov)),
            ("eusc-de-east-1", Some(Partition::AwsEusc)),
            ("us-iso-east-1", None),
            ("eu-isoe-west-1", None),
            ("eusc-fr-east-1", None),
            ("eu-central", None),
            ("eu--1", None),
            ("EU-central-1", None),
            ("", None),
            ("evil.example/eu-central-1", None),
        ] {
            assert_eq!(Partition::of_region(region), partition, "{region}");
        }
    }

    #[test]
    fn role_arns() {
        let arn = RoleArn::parse("arn:aws-cn:iam::123456789012:role/team/deploy").unwrap();
        assert_eq!((arn.partition, arn.name.as_str()), (Partition::AwsCn, "team/deploy"));
        for bad in [
            "deploy",
            "arn:aws:iam::123456789012:user/deploy",
            "arn:aws:iam::12345:role/deploy",
            "arn:aws-iso:iam::123456789012:role/deploy",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:sts::123456789012:role/deploy",
            "arn:aws:iam:eu-west-1:123456789012:role/deploy",
        ] {
            assert!(RoleArn::parse(bad).is_err(), "{bad}");
        }
    }
}
