"""What Sphinx is told."""

project = "gradwalk"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "demos.docs.shown"]
exclude_patterns: list[str] = []
myst_heading_anchors = 3  # links to headings, as GitHub has them

html_theme = "furo"
html_title = "gradwalk"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_search_summary = False  # which it would fetch; files may not
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False

napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
