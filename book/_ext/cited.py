"""Sphinx: each entry of the bibliography says on which pages it is cited."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class CitedOn(SphinxPostTransform):
    """Links from an entry to the first place of each page that cites it.

    ``sphinxcontrib.bibtex`` links back within one page alone.
    """

    default_priority = 6  # once it has written the entries

    def run(self, **kwargs: object) -> None:
        """Go through the entries of a page, if it has any."""
        key_of = {c.citation_id: c.key for c in self.env.get_domain("cite").citations}
        for entry in self.document.findall(nodes.citation):
            links = [*self.places(key_of.get(entry["ids"][0], ""), entry["docname"])]
            if links:
                entry += nodes.paragraph("", "Cited in: ", classes=["cited"])
                for link in links:
                    entry[-1] += [link, nodes.Text(" · ")]
                entry[-1].pop()

    def places(self, key: str, here: str) -> Iterator[nodes.reference]:
        """A link for each page that cites a work, by the page's number and title."""
        first: dict[str, str] = {}
        for ref in self.env.get_domain("cite").citation_refs:
            if key in {target.key for target in ref.targets}:
                first.setdefault(ref.docname, ref.citation_ref_id)
        for page in sorted(first):
            number = self.env.toc_secnumbers.get(page, {}).get("", ())
            title = " ".join(
                [*map("{}.".format, number), self.env.titles[page].astext()]
            )
            address = self.app.builder.get_relative_uri(here, page)
            # A book on a single page has its pages as places of it already.
            uri = address if "#" in address else f"{address}#{first[page]}"
            yield nodes.reference("", title, internal=True, refuri=uri)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it."""
    app.add_post_transform(CitedOn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
