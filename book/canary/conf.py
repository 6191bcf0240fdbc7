"""The book's settings for Sphinx alone, made of `_config.yml`: `make canary`.

It is the way out of jupyter-book 1. With what it reads written into it, and moved to
the root, it takes the place of `_config.yml`.
"""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
told = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
html, config = told["html"], told["sphinx"]["config"]
sys.path += [
    str(ROOT / folder) for folder in told["sphinx"]["local_extensions"].values()
]

globals().update(config)
project, html_title = told["title"], told["title"]
author, copyright = told["author"], told["copyright"]
exclude_patterns = told["exclude_patterns"]
# sphinx_comments is jupyter-book's as well: this book takes none.
dropped = {"jupyter_book", "sphinx_comments"}
extensions = [each for each in config["extensions"] if each not in dropped]
extensions.append("sphinx_multitoc_numbering")
external_toc_path = str(ROOT / "_toc.yml")
external_toc_exclude_missing = told["only_build_toc_files"]
bibtex_bibfiles = [str(ROOT / file) for file in told["bibtex_bibfiles"]]
myst_enable_extensions = told["parse"]["myst_enable_extensions"]
myst_url_schemes = ["http", "https", "mailto"]
nb_execution_mode = "off"  # the way out: told["execute"], as nb_execution_...
html_theme = "sphinx_book_theme"
html_baseurl = html["baseurl"]
html_favicon, html_logo = str(ROOT / html["favicon"]), str(ROOT / told["logo"])
html_static_path = [str(ROOT / folder) for folder in config["html_static_path"]]
templates_path = [str(ROOT / folder) for folder in config["templates_path"]]
html_theme_options = {
    **config["html_theme_options"],
    **{
        name: html[name]
        for name in html
        if name.startswith("use_") and "toc" not in name
    },
    "home_page_in_toc": html["home_page_in_navbar"],
    "launch_buttons": told["launch_buttons"],
    "repository_branch": told["repository"]["branch"],
    "repository_url": told["repository"]["url"],
}
