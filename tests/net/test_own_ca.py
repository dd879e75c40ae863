"""The CA that a server makes and keeps, and certificates that it is given: what does, and what is wrong with the rest."""

import datetime as dt
import logging
import os
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from support.papers import issue, names_in, trusting
from support.wire import Wire

from mockserver.errors import TlsSettingsError
from mockserver.http.tls import authority
from mockserver.http.tls.authority import kept_in
from mockserver.http.tls.setup import secured_by
from mockserver.settings import Settings

HOSTS = frozenset({"api.twilio.com"})


class Hosts:
    def of_files(self):
        return HOSTS

    def names(self, host):
        return host in HOSTS


def secured(**settings):
    return secured_by(Settings(tls=True, **{name: str(value) for name, value in settings.items()}), Hosts())


def refused(**settings):
    with pytest.raises(TlsSettingsError) as why:
        secured(**settings)
    return str(why.value)


# Kept


def test_it_is_made_once_and_used_again(tmp_path):
    folder = tmp_path / "a" / "tls"

    first, second = kept_in(folder), kept_in(folder)

    assert first.pem == second.pem == (folder / "ca.pem").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["ca-key.pem", "ca.pem"]


def test_its_key_is_for_its_owner_alone_and_its_certificate_for_everybody(tmp_path):
    before = os.umask(0o077)
    try:
        kept_in(tmp_path)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "ca-key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "ca.pem").stat().st_mode) == 0o644


def test_servers_that_start_at_once_get_the_same_one(tmp_path):
    for i in range(5):
        folder = tmp_path / str(i)
        with ThreadPoolExecutor(16) as pool:
            found = set(pool.map(lambda _: kept_in(folder).pem, range(16)))  # noqa: B023  (over before the next)
        assert len(found) == 1


def test_one_that_is_late_takes_what_another_made_meanwhile(tmp_path, monkeypatch):
    """Between its look and its own CA another process made one."""
    make = authority.made

    def made_late():
        monkeypatch.setattr(authority, "made", make)
        kept_in(tmp_path)
        return make()

    monkeypatch.setattr(authority, "made", made_late)
    late = kept_in(tmp_path)

    assert late.pem == kept_in(tmp_path).pem


def test_a_certificate_that_was_removed_is_written_again(tmp_path):
    pem = kept_in(tmp_path).pem
    (tmp_path / "ca.pem").unlink()

    assert kept_in(tmp_path).pem == (tmp_path / "ca.pem").read_bytes() == pem


def test_each_ca_has_a_name_of_its_own(tmp_path):
    assert authority.made().certificate.subject != authority.made().certificate.subject


def test_a_ca_made_elsewhere_is_used_as_it_is(tmp_path):
    own = issue(tmp_path, "house-ca", ca=True)
    (tmp_path / "ca.pem").write_bytes(own.pem)
    (tmp_path / "ca-key.pem").write_bytes(own.key_pem())

    leaf = x509.load_pem_x509_certificates(kept_in(tmp_path).leaf(["localhost"]))[0]

    leaf.verify_directly_issued_by(own.certificate)


def test_a_certificate_is_what_strict_clients_ask_for(tmp_path):
    leaf, ca = x509.load_pem_x509_certificates(
        kept_in(tmp_path).leaf(["localhost", "::1", "münchen.example"])
    )

    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "xn--mnchen-3ya.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["::1"]
    lasting = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert lasting <= dt.timedelta(days=398)
    assert leaf.not_valid_before_utc < dt.datetime.now(dt.UTC) - dt.timedelta(hours=12)
    assert leaf.issuer == ca.subject


WRONG_FOLDERS = {
    "key without certificate": (
        lambda folder, ca: (folder / "ca-key.pem").write_bytes(ca.key_pem()),
        "has the key ca-key.pem without its certificate ca.pem. Put the certificate beside it",
    ),
    "certificate without key": (
        lambda folder, ca: (folder / "ca.pem").write_bytes(ca.pem),
        "has ca.pem without its key ca-key.pem. Put the key beside it, or remove ca.pem to have a new CA made",
    ),
    "key of another": (
        lambda folder, ca: (
            (folder / "ca.pem").write_bytes(ca.pem),
            (folder / "ca-key.pem").write_bytes(issue(folder.parent, "other").key_pem()),
        ),
        "ca-key.pem does not fit the certificate",
    ),
    "no CA": (
        lambda folder, ca: (
            (folder / "ca.pem").write_bytes((one := issue(folder.parent, "leaf")).pem),
            (folder / "ca-key.pem").write_bytes(one.key_pem()),
        ),
        "ca.pem is not a CA, so it can't sign certificates",
    ),
    "expired": (
        lambda folder, ca: (
            (folder / "ca.pem").write_bytes((one := issue(folder.parent, "old", ca=True, days=(-9, -1))).pem),
            (folder / "ca-key.pem").write_bytes(one.key_pem()),
        ),
        "expired on",
    ),
    "nonsense": (
        lambda folder, ca: [(folder / name).write_bytes(b"what") for name in ("ca.pem", "ca-key.pem")],
        "ca.pem has no certificate in PEM: PEM begins with -----BEGIN CERTIFICATE-----",
    ),
}


@pytest.mark.parametrize(("fill", "said"), WRONG_FOLDERS.values(), ids=WRONG_FOLDERS)
def test_a_folder_that_holds_no_whole_ca_is_refused(tmp_path, fill, said):
    folder = tmp_path / "tls"
    folder.mkdir()
    fill(folder, issue(tmp_path, "ca", ca=True))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    assert said in refused(tls_dir=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    text = refused(tls_dir=tmp_path / "file")

    assert text.startswith(f"--tls-dir {tmp_path / 'file'} can't be used: ")
    assert "leave it out: then the CA lives as long as the process" in text


# Given


@pytest.fixture
def own(tmp_path):
    return issue(tmp_path, "own", san=("localhost", "*.twilio.com"))


def test_a_certificate_of_the_users_is_shown_to_everybody(serving, own):
    server = serving("routes: []", tls=True, tls_cert=str(own.cert_file), tls_key=str(own.key_file))
    context = trusting(own.pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with Wire(server.address, tls=context) as wire:
        assert names_in(wire.tls.getpeercert()) == {"localhost", "*.twilio.com"}
    assert "trust the CA that signed that one" in server.admin.refused(404, "GET", "/ca.pem")["detail"]


def test_a_host_that_the_users_certificate_does_not_name_is_warned_of(tmp_path, own, caplog):
    other = issue(tmp_path, "other", san=("localhost",))
    with caplog.at_level(logging.WARNING, "mockserver"):
        secured(tls_cert=own.cert_file, tls_key=own.key_file)
        assert not caplog.text

        secured(tls_cert=other.cert_file, tls_key=other.key_file)
        assert "other.pem does not name api.twilio.com, which scenarios name as host" in caplog.text


def locked(folder):
    one = issue(folder, "locked")
    one.key_file.write_bytes(one.key_pem(b"secret"))
    return {"tls_cert": one.cert_file, "tls_key": one.key_file}


def in_wrong_order(folder):
    ca = issue(folder, "ca", ca=True)
    one = issue(folder, "leaf", by=ca)
    one.cert_file.write_bytes(ca.pem + one.pem)
    return {"tls_cert": one.cert_file, "tls_key": one.key_file}


def pair(**options):
    def made(folder):
        one = issue(folder, "one", **options)
        return {"tls_cert": one.cert_file, "tls_key": one.key_file}

    return made


def mixed(cert, key):
    def made(folder):
        one, other = issue(folder, "one"), issue(folder, "other")
        files = {"one.pem": one.cert_file, "one.key": one.key_file, "other.key": other.key_file}
        return {"tls_cert": files.get(cert, folder / cert), "tls_key": files.get(key, folder / key)}

    return made


WRONG_FILES = {
    "no key": (lambda folder: {"tls_cert": folder / "x"}, "--tls-cert needs --tls-key beside it"),
    "no certificate": (lambda folder: {"tls_key": folder / "x"}, "--tls-key needs --tls-cert beside it"),
    "not there": (mixed("nowhere.pem", "one.key"), "nowhere.pem can't be read: No such file or directory"),
    "key not there": (
        mixed("one.pem", "nowhere.key"),
        "nowhere.key can't be read: No such file or directory",
    ),
    "swapped": (mixed("one.key", "one.pem"), "one.key has no certificate in PEM: it holds a key"),
    "two certificates": (
        mixed("one.pem", "one.pem"),
        "one.pem has no private key in PEM that can be read: it holds a certificate",
    ),
    "another's key": (mixed("one.pem", "other.key"), "other.key does not fit the certificate"),
    "in the wrong order": (in_wrong_order, "Put the server's own first, then its CAs"),
    "locked": (locked, "is encrypted. Write it without a password: openssl pkey -in"),
    "expired": (pair(days=(-9, -1)), "one.pem expired on"),
    "not valid yet": (pair(days=(1, 9)), "Is this machine's clock right?"),
}


@pytest.mark.parametrize(("make", "said"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_files_that_do_not_do_are_refused_with_the_reason(tmp_path, make, said):
    assert said in refused(**make(tmp_path))


def test_a_certificate_that_is_cut_is_refused(tmp_path, own):
    own.cert_file.write_bytes(own.pem.replace(b"MII", b"MI"))

    assert "has a certificate that can't be read" in refused(tls_cert=own.cert_file, tls_key=own.key_file)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "nowhere.pem", "nowhere.pem can't be read"),
        (lambda folder: issue(folder, "one").key_file, "one.key has no certificate in PEM: it holds a key"),
        (lambda folder: issue(folder, "old", ca=True, days=(-9, -1)).cert_file, "old.pem expired on"),
    ],
)
def test_a_client_ca_that_does_not_do_is_refused(tmp_path, make, said):
    assert said in refused(tls_client_ca=make(tmp_path))


# Flags


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tls_port": 0}, "--tls-port does nothing without --tls. Add --tls, or leave --tls-port out"),
        ({"tls_dir": "x"}, "--tls-dir does nothing without --tls"),
        ({"tls_client_ca": "x"}, "--tls-client-ca does nothing without --tls"),
        ({"tls_cert": "x", "tls_key": "y"}, "--tls-cert does nothing without --tls"),
        (
            {"tls": True, "tls_port": 8080},
            "Leave --tls-port out: then --port speaks both, plain and TLS",
        ),
        ({"tls": True, "tls_dir": "x", "tls_cert": "x", "tls_key": "y"}, "Leave one of the two out"),
    ],
)
def test_flags_that_do_not_fit_together_are_refused(settings, said):
    with pytest.raises(TlsSettingsError) as why:
        secured_by(Settings(**settings), Hosts())

    assert said in str(why.value)
