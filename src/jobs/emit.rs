//! The few lines by which an engine of clusters runs the tasks of a plan: the files of `examples/cluster/`, with the
//! command line that was given in the place of theirs.

use std::fmt::Write;

/// An engine that starts tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Slurm: a script that submits an array.
    Slurm,
    /// Snakemake: a Snakefile.
    Snakemake,
    /// Nextflow: a workflow.
    Nextflow,
    /// Dask: a Python script for its distributed scheduler.
    Dask,
    /// GNU make, on one machine.
    Make,
}

/// The command line of the examples.
const EXAMPLE: &str = "tectum plan convert recording -o recording.ome.zarr --tasks 8";

impl Engine {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Slurm, Self::Snakemake, Self::Nextflow, Self::Dask, Self::Make];

    /// As it is said on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slurm => "slurm",
            Self::Snakemake => "snakemake",
            Self::Nextflow => "nextflow",
            Self::Dask => "dask",
            Self::Make => "make",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Slurm => include_str!("../../examples/cluster/slurm.sh"),
            Self::Snakemake => include_str!("../../examples/cluster/Snakefile"),
            Self::Nextflow => include_str!("../../examples/cluster/main.nf"),
            Self::Dask => include_str!("../../examples/cluster/dask_tasks.py"),
            Self::Make => include_str!("../../examples/cluster/tasks.mk"),
        }
    }

    /// The lines for a command line of `tectum plan`, given as its words, and so many tasks.
    pub fn lines(self, words: &[String], num_tasks: u64) -> String {
        let mut command = String::new();
        for word in words {
            let _ = write!(command, "{}{}", if command.is_empty() { "" } else { " " }, quoted(word));
        }
        let command = match self {
            // Within quotes that give a backslash, a brace or a dollar a meaning of their own.
            Self::Snakemake => escaped(&command, &["\\", "\""]).replace('{', "{{").replace('}', "}}"),
            Self::Nextflow => escaped(&command, &["\\", "\"", "$"]),
            Self::Dask => escaped(&command, &["\\", "\""]),
            Self::Make => command.replace('$', "$$"),
            Self::Slurm => command,
        };
        let numbered = match self {
            Self::Slurm => self.example().to_owned(),
            Self::Nextflow => self.example().replacen("params.N = 8", &format!("params.N = {num_tasks}"), 1),
            _ => self.example().replacen("\nN = 8\n", &format!("\nN = {num_tasks}\n"), 1),
        };
        numbered.replacen(EXAMPLE, &command, 1)
    }
}

fn escaped(text: &str, what: &[&str]) -> String {
    what.iter().fold(text.to_owned(), |text, what| text.replace(what, &format!("\\{what}")))
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_are_what_is_printed_for_their_command_line() {
        let words: Vec<String> = EXAMPLE.split(' ').map(str::to_owned).collect();
        for engine in Engine::ALL {
            assert_eq!(engine.lines(&words, 8), engine.example(), "{}", engine.name());
            let other = engine.lines(&["tectum".into(), "plan".into(), "a b$'c\"{x}".into()], 24);
            assert!(!other.contains("recording.ome.zarr"), "{other}");
            assert_eq!(other.contains("24"), engine != Engine::Slurm, "{other}");
            assert!(engine.example().lines().filter(|line| !line.is_empty()).count() <= 16, "{}", engine.name());
        }
        assert_eq!(quoted("a'b"), r"'a'\''b'");
    }
}
