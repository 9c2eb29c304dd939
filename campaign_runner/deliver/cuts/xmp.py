"""What every delivered file says of itself: made by an AI model, what it shows, whom to credit. Nothing else.

The properties are those of the IPTC Photo Metadata Standard (https://www.iptc.org/std/photometadata/specification/).
No prompt, seed, path or name of a person is ever among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

AI_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">
<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
<Iptc4xmpCore:AltTextAccessibility><rdf:Alt><rdf:li xml:lang="x-default">{alt}</rdf:li></rdf:Alt>\
</Iptc4xmpCore:AltTextAccessibility>
{credit}</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True)
class Description:
    """The description for people who cannot see the picture, and whom to credit, empty for no one."""

    alt: str
    credit: str = ""


def packet(description: Description) -> bytes:
    """The XMP packet of a delivered file."""
    credit = f"<photoshop:Credit>{_text(description.credit)}</photoshop:Credit>\n" if description.credit else ""
    return _PACKET.format(source=AI_GENERATED, alt=_text(description.alt), credit=credit).encode()


def _text(text: str) -> str:
    """`text` as XML may have it: without the few characters that XML cannot express."""
    return escape(_UNWRITABLE.sub("", text))
