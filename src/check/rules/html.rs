//! Rules of pages.

use super::{Rule, Severity};

rules! {
    BOOTSTRAP_SCRIPT Warning "NR-H01" "the page loads Bootstrap's script"
        "The layout has it already; it is taken out."
        "Remove it, or keep it for opening the page by itself.";
    BOOTSTRAP_STYLE Warning "NR-H02" "the body loads Bootstrap's style"
        "The layout has it already; it is taken out."
        "Remove it, or move it into the head for opening the page by itself.";
    REMOTE Error "NR-H03" "a resource of another host"
        "There is no internet, and the page's content policy blocks it."
        "Put the file into the bundle, or use the copy in /assets/vendor/.";
    LIBRARY Warning "NR-H04" "a library that is loaded in vain, or missing"
        "What is loaded costs time; what is missing fails."
        "Load exactly the libraries that the scripts use.";
    TABULATOR_STYLE Error "NR-H05" "Tabulator without its style"
        "A grid cannot be used without it."
        "Put <link rel=\"stylesheet\" href=\"/assets/vendor/tabulator.min.css\" /> into the head.";
    FRAME Error "NR-H06" "a frame"
        "The page's content policy blocks it."
        "Put the content into the page itself.";
    MISSING_FILE Error "NR-H07" "a file that is not in the bundle"
        "The browser asks for it and gets nothing."
        "Correct the path, or add the file.";
    ORDER Warning "NR-H08" "a library is loaded after the script that needs it"
        "Its global is not there when the script runs."
        "Put it before the app's scripts.";
    IDS Info "NR-H09" "an id without the app's prefix"
        "The layout may have the same id."
        "Begin ids with the app's prefix.";
}
