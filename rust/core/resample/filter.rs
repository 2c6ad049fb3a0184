//! Resampling filters.

/// The kernel that weighs the source pixels around an output pixel, and how weights are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Triangle of radius 1, rounded as torch rounds: the filter of keye-vl-utils 1.5.2 for videos.
    Bilinear,
    /// Keys' cubic with a = -0.5 and radius 2, rounded as torch rounds.
    Bicubic,
    /// The triangle, rounded as Pillow rounds: the filter of keye-vl-utils 1.5.2 for images.
    PillowBilinear,
    /// The cubic, rounded as Pillow rounds.
    PillowBicubic,
}

impl Filter {
    /// Return the radius of the kernel, in output pixels when shrinking, else in source pixels.
    pub(super) fn radius(self) -> f64 {
        match self {
            Filter::Bilinear | Filter::PillowBilinear => 1.0,
            Filter::Bicubic | Filter::PillowBicubic => 2.0,
        }
    }

    /// Return whether weights are rounded as Pillow rounds them.
    pub(super) fn is_pillow(self) -> bool {
        matches!(self, Filter::PillowBilinear | Filter::PillowBicubic)
    }

    /// Evaluate the kernel at a distance of `x` from its centre.
    pub(super) fn at(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Filter::Bilinear | Filter::PillowBilinear => (1.0 - x).max(0.0),
            _ if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            _ if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            _ => 0.0,
        }
    }
}
