//! Classes of networks in remove.bg's words.

use super::fields::TypeLevel;

/// What remove.bg calls a class of Pascal VOC; `other` for what is none of its own.
pub fn name(class: &str, level: TypeLevel) -> &'static str {
    match class {
        "person" => "person",
        "bird" | "cat" | "cow" | "dog" | "horse" | "sheep" => "animal",
        "car" => "car",
        "aeroplane" | "bicycle" | "boat" | "bus" | "motorbike" | "train" if level == TypeLevel::Fine => {
            "transportation"
        }
        "bottle" | "chair" | "diningtable" | "pottedplant" | "sofa" | "tvmonitor" => "product",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backgroundfx_core::models::fcn::PASCAL_VOC;

    #[test]
    fn all_classes_but_the_background_and_vehicles_have_a_name_of_their_own() {
        let other = |level| PASCAL_VOC.into_iter().filter(|class| name(class, level) == "other").collect::<Vec<_>>();
        assert_eq!(other(TypeLevel::Fine), ["background"]);
        assert_eq!(other(TypeLevel::Coarse).len(), 7);
        assert_eq!(name("", TypeLevel::Coarse), "other");
    }
}
