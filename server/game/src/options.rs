//! What an arena can be set to.

use clap::{Args, FromArgMatches};

/// Settings of an arena, as flags of its binary.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct ArenaOptions {
    /// Pilots in a room; those that humans leave to it are flown by the server
    #[arg(long, default_value_t = 10, env = "TICKWIRE_PILOTS")]
    pub pilots: u16,
    /// Asteroids in a fresh room
    #[arg(long, default_value_t = 60, env = "TICKWIRE_ASTEROIDS")]
    pub asteroids: u16,
}

impl Default for ArenaOptions {
    fn default() -> Self {
        Self { pilots: 10, asteroids: 60 }
    }
}

impl ArenaOptions {
    /// The settings as the flags that make them: how a recording keeps them.
    pub fn to_line(&self) -> String {
        format!("--pilots={} --asteroids={}", self.pilots, self.asteroids)
    }

    /// The inverse of [`ArenaOptions::to_line`].
    pub fn from_line(line: &str) -> Result<Self, clap::Error> {
        let command = Self::augment_args(clap::Command::new("arena").no_binary_name(true));
        let matches = command.try_get_matches_from(line.split_whitespace())?;
        Self::from_arg_matches(&matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_back_its_settings() {
        let options = ArenaOptions { pilots: 3, asteroids: 0 };
        assert_eq!(ArenaOptions::from_line(&options.to_line()).ok(), Some(options));
        assert!(ArenaOptions::from_line("--pilots=many").is_err(), "nonsense is an error");
        assert_eq!(ArenaOptions::from_line("").ok(), Some(ArenaOptions::default()));
    }
}
