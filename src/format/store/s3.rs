//! Buckets: the client for one, by the environment and the profile files as every other tool reads them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, resolve_bucket_region};
use object_store::{ClientOptions, ObjectStore};

use super::super::OpenOptions;
use super::client::{Connector, prepare};
use super::fault::Fault;
use super::hosts::Trusted;
use super::network::wait;
use super::no_retries;
use crate::volume::Location;

/// Variables by which credentials come from elsewhere.
const ELSEWHERE: [&str; 3] =
    ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"];

/// How long the question in which region a bucket lies may take.
const REGION_TIME: Duration = Duration::from_secs(5);

/// The client for a bucket. Where nobody has given credentials it asks as anybody may. Blocks where only the
/// bucket's own region has to be found out.
pub fn client(bucket: &str, options: &OpenOptions) -> Result<Arc<dyn ObjectStore>, Fault> {
    Ok(Arc::new(build(bucket, options, Connector::new)?))
}

/// The same that sends large bodies.
pub fn sender(bucket: &str, options: &OpenOptions) -> Result<AmazonS3, Fault> {
    build(bucket, options, Connector::sending)
}

fn build(
    bucket: &str,
    options: &OpenOptions,
    connector: fn(&str, Trusted) -> Result<Connector, Fault>,
) -> Result<AmazonS3, Fault> {
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(no_retries());
    let has = |builder: &AmazonS3Builder, key: AmazonS3ConfigKey| builder.get_config_value(&key).is_some();
    let profile = Profile::of_user();
    let is_named = std::env::var_os("AWS_PROFILE").is_some() && !has(&builder, AmazonS3ConfigKey::AccessKeyId);
    let has_own = has(&builder, AmazonS3ConfigKey::AccessKeyId);
    for (name, key) in [
        ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
        ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
        ("aws_session_token", AmazonS3ConfigKey::Token),
    ] {
        // Halves of two pairs make no key.
        if let Some(value) = profile.get(name).filter(|_| is_named || !has_own) {
            builder = builder.with_config(key, value);
        }
    }
    for (name, key) in [("region", AmazonS3ConfigKey::Region), ("endpoint_url", AmazonS3ConfigKey::Endpoint)] {
        if let Some(value) = profile.get(name).filter(|_| !has(&builder, key)) {
            builder = builder.with_config(key, value);
        }
    }
    if !has(&builder, AmazonS3ConfigKey::AccessKeyId) && ELSEWHERE.iter().all(|name| std::env::var_os(name).is_none()) {
        builder = builder.with_skip_signature(true);
    }
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::S3Endpoint);
    let endpoint = endpoint.or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    if let Some(endpoint) = &endpoint {
        // Somebody's own server: whether it is asked in the clear is for who named it.
        builder = builder.with_allow_http(endpoint.starts_with("http://"));
    } else if !has(&builder, AmazonS3ConfigKey::Region) {
        builder = builder.with_region(region_of(bucket, options));
    }
    let host = match &endpoint {
        Some(endpoint) => Location::parse(endpoint).host().unwrap_or_default().to_owned(),
        None => format!("{bucket}.s3.amazonaws.com"),
    };
    let connector = connector(&host, Trusted::new(&host, options))?;
    builder.with_http_connector(connector).build().map_err(|error| Fault::of_client(&error))
}

fn region_of(bucket: &str, options: &OpenOptions) -> String {
    prepare();
    let asked = async {
        let found = resolve_bucket_region(bucket, &ClientOptions::new()).await;
        found.map_err(|error| Fault::of_client(&error))
    };
    wait(asked, Instant::now() + REGION_TIME, &options.cancel).unwrap_or_else(|_| "us-east-1".to_owned())
}

/// What the user's profile files say under the profile of `AWS_PROFILE`.
#[derive(Default)]
struct Profile(HashMap<String, String>);

impl Profile {
    fn of_user() -> Self {
        let wanted = std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned());
        let file = |variable: &str, name: &str| {
            let named = std::env::var_os(variable).map(PathBuf::from);
            named.or_else(|| Some(std::env::home_dir()?.join(".aws").join(name)))
        };
        let read = |path: Option<PathBuf>| path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let config = read(file("AWS_CONFIG_FILE", "config"));
        let credentials = read(file("AWS_SHARED_CREDENTIALS_FILE", "credentials"));
        Self::parse(&wanted, &config, &credentials)
    }

    /// The settings of a profile; those of the second text count where both have one.
    fn parse(wanted: &str, config: &str, credentials: &str) -> Self {
        let mut found = HashMap::new();
        for text in [config, credentials] {
            let mut is_inside = false;
            for line in text.lines() {
                // A line that is indented belongs to the setting above it, none of which is read here.
                let is_nested = line.starts_with([' ', '\t']);
                let line = line.trim();
                if let Some(section) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
                    let name = section.0.trim();
                    is_inside = name.strip_prefix("profile ").unwrap_or(name).trim() == wanted;
                } else if let Some((key, value)) = line.split_once('=').filter(|_| is_inside && !is_nested)
                    && !line.starts_with(['#', ';'])
                {
                    found.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
                }
            }
        }
        Self(found)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_as_other_tools_read_them() {
        let config = "[default]\nregion = eu-west-1\n\n[profile rig]\nregion=us-east-2\ns3 =\n  endpoint_url = x\n# region = no\n[profile rig2]\nregion = z\n";
        let credentials =
            "[rig]\naws_access_key_id = AKIA\nAWS_SECRET_ACCESS_KEY = a=b/c\n[default]\naws_access_key_id=other\n";
        let rig = Profile::parse("rig", config, credentials);
        assert_eq!(rig.get("region"), Some("us-east-2"));
        assert_eq!((rig.get("aws_access_key_id"), rig.get("aws_secret_access_key")), (Some("AKIA"), Some("a=b/c")));
        assert_eq!((rig.get("endpoint_url"), rig.get("aws_session_token")), (None, None));
        assert_eq!(Profile::parse("default", config, credentials).get("region"), Some("eu-west-1"));
        assert!(Profile::parse("none", config, credentials).0.is_empty());
    }
}
