//! Rules of style sheets.

use super::{Rule, Severity};

rules! {
    PREFIX Error "NR-C01" "a selector without the app's prefix"
        "It also styles the layout, and whatever else has the class."
        "Begin classes and ids with the app's prefix.";
    SUBJECT Warning "NR-C02" "a class without the app's prefix"
        "It is held inside an element of the app, but another style may mean the same class."
        "Give the element a class with the prefix, and style that.";
    COLOUR Warning "NR-C03" "a fixed colour"
        "It does not follow the light and the dark theme."
        "Use var(--bs-body-bg), var(--bs-border-color) and their like.";
    ELEMENT Error "NR-C04" "a selector for elements of the whole page"
        "It overrides the layout."
        "Begin the selector with a class of the app.";
    REMOTE_STYLE Error "NR-C05" "a style from another host"
        "There is no internet, and the page's content policy blocks it."
        "Put the file into the bundle.";
    UNDEFINED_CLASS Warning "NR-C06" "a class that nobody defines"
        "Neither Bootstrap nor a style of the app has it."
        "Define it with the app's prefix, or remove it.";
    CSS_SYNTAX Warning "SK-C01" "a style that a browser drops"
        "What cannot be read is left out."
        "Correct the place that is named.";
}
