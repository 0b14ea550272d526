//! What a server says of rights that are missing, in words that tell what is missing and what to
//! do.

use super::wire;

/// What a host calls.
const NEEDED: &str = "+evalsha +eval +script|load +time +mget +set +del +pttl";

/// How servers put it inside a script: Redis 7.2 and later and Valkey, then older ones, which do
/// not name the command.
const IN_SCRIPT: [&str; 2] = ["ACL failure in script", "The user executing the script can't"];

/// A server's words about missing rights, behind what is missing and all that a host needs. `None`:
/// they are about something else.
pub(super) fn explained(text: &str) -> Option<String> {
    let missing = if IN_SCRIPT.iter().any(|words| text.contains(words)) {
        let command = script_line(text).and_then(command_in).unwrap_or("a command");
        format!("run {command}, which the commit script calls")
    } else if text.starts_with("NOPERM") {
        named(text).map_or_else(|| "use these keys".to_owned(), |command| format!("run {command}"))
    } else {
        return None;
    };
    let said = text.strip_prefix("NOPERM ").unwrap_or(text);
    Some(format!(
        "NOPERM the user may not {missing}; a host needs {NEEDED} on the keys that begin with its prefix (the server says: {said})"
    ))
}

/// The command in `to run the 'script|load' command`, as one writes it. Redis 6.2 names no
/// subcommand, and we send one alone.
fn named(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("to run the '")?;
    let (command, _) = rest.split_once('\'')?;
    match command {
        "script" => Some("SCRIPT LOAD".to_owned()),
        _ => Some(command.replace('|', " ").to_uppercase()),
    }
}

/// The line of the script that failed: every version tells its number, as in `user_script:97`.
fn script_line(text: &str) -> Option<&'static str> {
    let (_, rest) = text.split_once("user_script:")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    wire::SCRIPT.lines().nth(rest[..digits].parse::<usize>().ok()?.checked_sub(1)?)
}

fn command_in(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("call('")?;
    rest.split_once('\'').map(|(command, _)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the first line of the script that calls a command.
    fn line_of(command: &str) -> usize {
        let call = format!("call('{command}'");
        wire::SCRIPT.lines().position(|line| line.contains(&call)).expect("the script calls it") + 1
    }

    fn missing(text: &str) -> String {
        let text = explained(text).expect("it is about rights");
        let (missing, _) = text.strip_prefix("NOPERM the user may not ").and_then(|rest| rest.split_once(';')).unwrap();
        missing.to_owned()
    }

    #[test]
    fn the_words_of_each_version_name_the_command_that_is_missing() {
        assert_eq!(
            missing("NOPERM this user has no permissions to run the 'evalsha' command or its subcommand"),
            "run EVALSHA"
        );
        assert_eq!(
            missing("NOPERM this user has no permissions to run the 'script' command or its subcommand"),
            "run SCRIPT LOAD"
        );
        assert_eq!(missing("NOPERM User u has no permissions to run the 'script|load' command"), "run SCRIPT LOAD");
        assert_eq!(missing("NOPERM No permissions to access a key"), "use these keys");
    }

    #[test]
    fn the_line_of_the_script_names_the_command_where_the_server_does_not() {
        for command in ["TIME", "MGET", "SET", "DEL", "PTTL"] {
            let line = line_of(command);
            for text in [
                format!(
                    "ERR Error running script (call to f_23): @user_script:{line}: @user_script: {line}: The user executing the script can't run this command or subcommand"
                ),
                format!(
                    "ERR The user executing the script can't run this command or subcommand script: 23, on @user_script:{line}."
                ),
                format!(
                    "ERR ACL failure in script: User u has no permissions to run the 'x' command script: on @user_script:{line}."
                ),
            ] {
                assert_eq!(missing(&text), format!("run {command}, which the commit script calls"));
            }
        }
    }

    #[test]
    fn each_command_of_the_script_is_among_the_rights() {
        for command in wire::SCRIPT.lines().filter_map(command_in) {
            assert!(NEEDED.contains(&format!("+{}", command.to_lowercase())), "{command}");
        }
    }

    #[test]
    fn other_errors_stay_as_they_are() {
        assert_eq!(explained("OOM command not allowed when used memory > 'maxmemory'."), None);
    }
}
