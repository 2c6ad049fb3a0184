//! The instruction sets of this CPU, detected once. A level can be clamped down, never up.

use std::str::FromStr;
use std::sync::OnceLock;

use crate::error::{Error, Result};

/// The environment variable that clamps the level: `scalar`, `avx2` or `avx512`.
const CLAMP_VARIABLE: &str = "KEYE_VL_RS_SIMD";

/// The instruction set that kernels use. Every level gives the same bytes.
///
/// A value other than [`Level::SCALAR`] exists only on a CPU that has the instructions. The safety of
/// kernels relies on that, so the field is private and only this module makes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(LevelName);

/// The name of a [`Level`], in ascending order. Names exist on every CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LevelName {
    /// Portable code, vectorised by the compiler for the target's baseline.
    Scalar,
    /// x86-64 with AVX2, FMA and F16C: Intel since Haswell (2013), AMD since Excavator (2015).
    Avx2,
    /// x86-64 with all of that and AVX-512 F, BW, VL, VBMI and VNNI: Intel since Ice Lake (2019), AMD
    /// since Zen 4 (2022).
    Avx512,
}

impl LevelName {
    /// Return the name as `KEYE_VL_RS_SIMD` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            LevelName::Scalar => "scalar",
            LevelName::Avx2 => "avx2",
            LevelName::Avx512 => "avx512",
        }
    }
}

impl FromStr for LevelName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "scalar" => Ok(LevelName::Scalar),
            "avx2" => Ok(LevelName::Avx2),
            "avx512" => Ok(LevelName::Avx512),
            _ => Err(Error::Argument {
                name: CLAMP_VARIABLE,
                value: format!("{text:?}"),
                expected: "scalar, avx2 or avx512",
            }),
        }
    }
}

impl Level {
    /// The level that works on every CPU.
    pub const SCALAR: Level = Level(LevelName::Scalar);

    /// Return the best level of this CPU.
    pub fn available() -> Level {
        static AVAILABLE: OnceLock<Level> = OnceLock::new();
        *AVAILABLE.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
            {
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vnni")
                {
                    return Level(LevelName::Avx512);
                }
                return Level(LevelName::Avx2);
            }
            Level::SCALAR
        })
    }

    /// Return [`Level::available`], clamped by the environment variable `KEYE_VL_RS_SIMD`, which is read
    /// once.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] if the variable is set to anything but the name of a level.
    pub fn configured() -> Result<Level> {
        static CONFIGURED: OnceLock<Result<Level>> = OnceLock::new();
        CONFIGURED
            .get_or_init(|| {
                let text = std::env::var_os(CLAMP_VARIABLE).unwrap_or_default();
                let text = text.to_string_lossy();
                if text.trim().is_empty() {
                    return Ok(Level::available());
                }
                Ok(Level::available().clamp_to(text.parse()?))
            })
            .clone()
    }

    /// Iterate over the levels of this CPU in ascending order, for tests and benchmarks.
    pub fn all() -> impl Iterator<Item = Level> {
        [LevelName::Scalar, LevelName::Avx2, LevelName::Avx512]
            .into_iter()
            .filter(|name| *name <= Level::available().0)
            .map(Level)
    }

    /// Return this level or the named one, whichever is lower.
    pub fn clamp_to(self, name: LevelName) -> Level {
        Level(self.0.min(name))
    }

    /// Return the name of this level.
    pub fn name(self) -> LevelName {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamping_never_raises_a_level() {
        for level in Level::all() {
            assert!(level.clamp_to(LevelName::Avx2).name() <= level.name());
            assert_eq!(level.clamp_to(LevelName::Scalar), Level::SCALAR);
        }
    }

    #[test]
    fn names_survive_a_round_trip_and_others_are_refused() {
        for level in Level::all() {
            assert_eq!(level.name().as_str().parse(), Ok(level.name()));
        }
        let error = "sse9".parse::<LevelName>().unwrap_err().to_string();
        assert!(
            error.contains("KEYE_VL_RS_SIMD") && error.contains("sse9"),
            "{error}"
        );
    }
}
