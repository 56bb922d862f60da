"""What the shell can complete beside options: jobs and templates, asked of the server."""

from __future__ import annotations

JOBS = {"bash": "_trainstop_jobs", "zsh": "_trainstop_jobs"}
TEMPLATES = {"bash": "_trainstop_templates", "zsh": "_trainstop_templates"}

PREAMBLE = {
    "bash": """
_trainstop_jobs() { compgen -W "$(trainstop completion --words jobs 2>/dev/null)" -- "$1"; }
_trainstop_templates() { compgen -W "$(trainstop completion --words templates 2>/dev/null)" -- "$1"; }
""",
    "zsh": """
_trainstop_jobs() { compadd -- ${(f)"$(trainstop completion --words jobs 2>/dev/null)"}; }
_trainstop_templates() { compadd -- ${(f)"$(trainstop completion --words templates 2>/dev/null)"}; }
""",
}
