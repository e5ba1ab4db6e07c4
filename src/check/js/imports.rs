//! What a script imports.

use oxc_ast::AstKind;
use oxc_ast::ast::StringLiteral;

use super::syntax::beginning;
use super::{Code, Facts, Import, only_if, rules};
use crate::check::page::is_remote;
use crate::check::problem::Problem;

impl<'a> Code<'_, 'a> {
    pub(super) fn imports(&self, facts: &mut Facts) {
        for node in self.semantic.nodes().iter() {
            match node.kind() {
                AstKind::ImportDeclaration(import) => self.import(&import.source, true, facts),
                AstKind::ExportAllDeclaration(export) => self.import(&export.source, true, facts),
                AstKind::ExportFromDeclaration(export) => self.import(&export.source, true, facts),
                AstKind::ImportExpression(import) => {
                    // What is put together, or caught, is nobody's to say.
                    if let oxc_ast::ast::Expression::StringLiteral(source) = &import.source {
                        self.import(source, !self.is_guarded(node.id()), facts);
                    } else if let Some((text, _)) = beginning(&import.source)
                        && is_remote(&text)
                    {
                        let problem = Problem::new(&rules::IMPORT, "it is on another host");
                        facts.problems.push(self.found(problem, import.span));
                    }
                }
                _other => {}
            }
        }
    }

    fn import(&self, source: &StringLiteral<'a>, certain: bool, facts: &mut Facts) {
        let text = source.value.as_str();
        let is_path = ["/", "./", "../"]
            .iter()
            .any(|begin| text.starts_with(begin));
        let is_mapped = self
            .script
            .mapped
            .iter()
            .any(|key| match key.strip_suffix('/') {
                Some(folder) => text.starts_with(folder),
                None => key == text,
            });
        let shown: String = text.chars().take(80).collect();
        let what = if is_remote(text) {
            format!("`{shown}` is on another host")
        } else if is_path || text.starts_with("data:") || text.starts_with("blob:") {
            facts.imports.push(Import {
                text: text.to_owned(),
                range: self.range(source.span),
            });
            return;
        } else if is_mapped {
            return;
        } else {
            format!("`{shown}` is no path: begin it with `./`")
        };
        let problem = only_if(Problem::new(&rules::IMPORT, what), certain);
        facts.problems.push(self.found(problem, source.span));
    }
}
