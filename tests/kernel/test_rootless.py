"""The lab works for an unprivileged user, within one uid."""

import ctypes
import os
import pwd
import traceback
from multiprocessing import Pipe

import pytest

from natc.address import Family
from natc.record import replace
from natc.testlab import Flavour, Lab
from tests.kernel.site import Site, topology

PR_SET_DUMPABLE = 4

pytestmark = pytest.mark.kernel


def prove(flavour: Flavour) -> None:
    """Load and probe in both families."""
    assert os.geteuid() != 0
    with Lab(topology(), flavour) as lab:
        assert not lab.has_all_users
        for family in Family:
            site = Site(lab, family, flavour)
            site.load(
                "POST -o eth0 -m mark --mark 5 -j MASQUERADE",
                "PRE -i br0 -p tcp -j REDIRECT --to-ports 1",
            )
            probe = replace(site.packet("udp inside 5 remote 53 eth1"), mark=5)
            assert site.told(lab.probe([probe])[0]) == "forwarded wan 5 remote 53 eth0"
            assert site.end("tcp visitor 5 remote 80 br0") == "delivered visitor 5 guest 1"
            assert site.end("tcp wan 5 remote 80 local") == "forwarded wan 5 remote 80 eth0"
            user = replace(site.packet("tcp wan 5 remote 80 local"), user="4242")
            assert lab.obstacle(user) == "user `4242` needs a lab that root makes"


def test_it_works_without_root(flavour: Flavour) -> None:
    """In a child that becomes `nobody`; it cannot run Python anew where root's home is closed."""
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        pytest.skip("there is no user `nobody` to become")
    ours, theirs = Pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
                os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
                ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1)  # as after an exec: /proc/self is ours
            prove(flavour)
            theirs.send("")
        except BaseException:  # noqa: BLE001 - the parent reports it
            theirs.send(traceback.format_exc())
        finally:
            os._exit(0)
    theirs.close()
    trouble = ours.recv()
    os.waitpid(child, 0)
    if "LabUnavailable" in trouble:
        pytest.skip(trouble.strip().splitlines()[-1])
    assert trouble == ""
