"""
A wild origin: a thousand hosts on loopback, a quarter of their URLs dead.

Lists of real URLs have hosts that are slow, limited, broken or gone, and answers that
are no pictures. Each host is an address of 127.0.0.0/8 here, so none needs DNS or root,
but Linux: macOS has 127.0.0.1 only.
All follows from a seed, so that a checker knows every byte to expect.

* ``fates`` says which fates there are, and their shares of the URLs.
* ``synthetic_web`` deals URLs over hosts and fates; ``pictures`` are their bodies.
* ``wild_process`` runs it; ``server`` listens at each host and sends its ``answers``.
* ``delivery_check`` counts what a downloader got, missed, and should not have kept.

`python -m origin.wild` runs it alone. Without delays and faults, a request costs it
310 µs of CPU on a new connection and 155 on a kept one, at 75 kB on average: so its one
process answers at most 3,200 requests/s on new connections, 6,400 on kept ones.
"""

from origin.wild.delivery_check import Delivered, check
from origin.wild.synthetic_web import Web, WildUrl
from origin.wild.wild_process import WildOrigin

__all__ = ["Delivered", "Web", "WildOrigin", "WildUrl", "check"]
