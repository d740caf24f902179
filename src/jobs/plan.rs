//! A plan: all that tasks have to know, as JSON that can be read and edited.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::WorkFolder;
use super::files::{FileStamp, refuse_changed};
use super::qc::QcJob;
use super::tasks::{parse_tasks, share_of_tasks, tasks_as_text};
use crate::write;

/// Version of plans; another one is refused.
pub const JOBS_VERSION: u32 = 1;

/// Work that is cut into tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobPlan {
    /// [`JOBS_VERSION`].
    pub tectum_plan: u32,
    /// Version of the program that made it.
    pub program: String,
    /// Tasks: each a half-open range of pieces. May be cut in another way as long as no piece is left out.
    pub tasks: Vec<[u64; 2]>,
    /// How many pieces there are.
    pub num_pieces: u64,
    /// The files of the recording when the plan was made: name, bytes, nanoseconds since 1970.
    pub files: Vec<FileStamp>,
    /// What is done.
    #[serde(flatten)]
    pub work: JobWork,
}

/// What is done, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobWork {
    /// A conversion.
    Convert(write::Plan),
    /// Measuring quality.
    Qc(QcJob),
}

impl JobPlan {
    /// A plan of this program.
    pub fn new(work: JobWork, num_pieces: u64, tasks: Vec<[u64; 2]>, files: Vec<FileStamp>) -> Self {
        Self {
            tectum_plan: JOBS_VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            tasks,
            num_pieces,
            files,
            work,
        }
    }

    /// A plan as it was written.
    ///
    /// # Errors
    /// If the file cannot be read, is no plan, is of another version, or its tasks leave pieces out.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{shown}: cannot be read"))?;
        Self::parse(&text).with_context(|| shown.to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| anyhow!("is no plan: {error}"))?;
        let own = env!("CARGO_PKG_VERSION");
        match value.get("tectum_plan").and_then(serde_json::Value::as_u64) {
            None => bail!("is no plan of tectum; `tectum plan` makes one"),
            Some(version) if version != u64::from(JOBS_VERSION) => {
                bail!("is a plan of version {version}, and this program follows version {JOBS_VERSION}")
            }
            Some(_) => {}
        }
        if let Some(made_by) = value.get("program").and_then(serde_json::Value::as_str).filter(|by| *by != own) {
            bail!("was made by tectum {made_by}, and this is {own}: all tasks need the same version");
        }
        let plan: Self = serde_json::from_value(value).map_err(|error| anyhow!("is no plan: {error}"))?;
        plan.check_tasks()?;
        Ok(plan)
    }

    /// How many pieces the work has.
    fn pieces_of_work(&self) -> Result<u64> {
        match &self.work {
            JobWork::Convert(plan) => Ok(plan.num_pieces),
            JobWork::Qc(job) => job.num_pieces(),
        }
    }

    /// Every piece belongs to a task, and every task has pieces that there are.
    fn check_tasks(&self) -> Result<()> {
        let num_pieces = self.pieces_of_work()?;
        if self.num_pieces > num_pieces {
            bail!("says that there are {} pieces, where its work has {num_pieces}", self.num_pieces);
        }
        let mut ranges = self.tasks.clone();
        ranges.sort_unstable();
        let mut next = 0;
        for [first, end] in ranges {
            if first >= end || end > self.num_pieces {
                bail!("its task [{first}, {end}] is no range of its {} pieces", self.num_pieces);
            }
            if first > next {
                bail!("piece {next} belongs to none of its tasks");
            }
            next = next.max(end);
        }
        if next != self.num_pieces {
            bail!("piece {next} belongs to none of its tasks");
        }
        Ok(())
    }

    /// It as JSON, a task and a file a line.
    ///
    /// # Errors
    /// Never in practice: all of it can be written.
    pub fn to_json(&self) -> Result<String> {
        let mut head = self.clone();
        let (tasks, files) = (std::mem::take(&mut head.tasks), std::mem::take(&mut head.files));
        let lines = |items: Vec<String>| match items.is_empty() {
            true => "[]".to_owned(),
            false => format!("[\n    {}\n  ]", items.join(",\n    ")),
        };
        let tasks = tasks.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        let files = files.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        let text = serde_json::to_string_pretty(&head)?;
        let text = text.replacen("\"tasks\": []", &format!("\"tasks\": {}", lines(tasks)), 1);
        Ok(text.replacen("\"files\": []", &format!("\"files\": {}", lines(files)), 1) + "\n")
    }

    /// The tasks that a text names: numbers and ranges, or a share of all.
    ///
    /// # Errors
    /// For one that the plan has not.
    pub fn tasks_named(&self, text: &str) -> Result<Vec<u64>> {
        let num = self.tasks.len() as u64;
        let tasks: Vec<u64> =
            if text.contains('/') { share_of_tasks(text, num)?.collect() } else { parse_tasks(text)? };
        match tasks.last() {
            Some(last) if *last >= num => {
                bail!("there is no task {last}: the plan has {num}, 0 to {}", num.saturating_sub(1))
            }
            _ => Ok(tasks),
        }
    }

    /// The tasks that a list of pieces belongs to, as `sbatch --array` takes them.
    pub fn tasks_of(&self, pieces: &[u64]) -> String {
        let has = |[first, end]: &[u64; 2]| {
            let at = pieces.partition_point(|piece| piece < first);
            pieces.get(at).is_some_and(|piece| piece < end)
        };
        let tasks = self.tasks.iter().enumerate().filter(|(_, range)| has(range)).map(|(task, _)| task as u64);
        tasks_as_text(&tasks.collect::<Vec<_>>())
    }

    /// Refuses a recording that is not what it was when the plan was made, and pieces that are not all of the work.
    ///
    /// # Errors
    /// Names the first file that has changed.
    pub fn refuse_changed(&self) -> Result<()> {
        let num_pieces = self.pieces_of_work()?;
        if self.num_pieces != num_pieces {
            bail!("the plan has {} pieces, its work has {num_pieces}: some would be left out", self.num_pieces);
        }
        refuse_changed(&self.files)
    }

    /// Where the work lies.
    ///
    /// # Errors
    /// For a target that names nothing.
    pub fn folder(&self) -> Result<WorkFolder> {
        Ok(match &self.work {
            JobWork::Convert(plan) => WorkFolder::new(plan.target.place()?, plan.to_json()?),
            JobWork::Qc(job) => WorkFolder::new(job.place()?, job.key()?),
        })
    }

    /// Tells its pieces' records from those of every other plan.
    ///
    /// # Errors
    /// As [`Self::to_json`].
    pub fn hash(&self) -> Result<String> {
        match &self.work {
            JobWork::Convert(plan) => plan.hash(),
            JobWork::Qc(job) => job.hash(),
        }
    }

    /// The records of its pieces.
    ///
    /// # Errors
    /// For a target that names nothing.
    pub fn records(&self) -> Result<write::Records> {
        Ok(write::Records::of_stage(&self.folder()?.place().records(), 0, &self.hash()?))
    }
}
