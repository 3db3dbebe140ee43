"""Access put together, as the settings say."""

from providers.core.http import Http
from server.access.certificates import Certificates
from server.access.gate import Gate
from server.access.issuer import IssuerKeys
from server.access.key_check import KeyCheck
from server.access.key_store import KeyStore
from server.access.makers import Makers
from server.access.oidc import Tokens
from server.access.sight import Sight
from server.access.standing import EVERY_SECONDS, Standing
from server.access.subjects import Subjects
from server.connections.facade import Connections
from server.connections.tickets import CALLER_SIGNS
from server.interceptors.access import Access, Callers, Objects
from server.settings_access import is_spiffe
from server.settings_model import Settings


def access_of(settings: Settings, connections: Connections) -> Access | None:
    """The layers of access; None: everybody who can connect may do everything."""
    modes = settings.access.mode
    if "open" in modes:
        return None
    subjects = Subjects(settings.policies)
    keys = None
    if "api_key" in modes:
        keys = KeyCheck(KeyStore(connections.store), subjects, settings.environment)
    tokens = None
    if "oidc" in modes:
        tokens = _tokens(settings, connections, subjects)
    certificates = None
    if "mtls" in modes:
        proxies = [each for each in settings.access.trusted_proxies if is_spiffe(each)]
        certificates = Certificates(settings.access.trust_domains, subjects, proxies)
    gate = Gate(keys=keys, tokens=tokens, certificates=certificates)
    sight = Sight(connections.directory)
    makers = Makers(keys=keys, subjects=subjects, sight=sight, modes=modes, whole=CALLER_SIGNS)
    return Access(gate, Callers(gate), Objects(gate, sight, Standing(EVERY_SECONDS)), makers)


def _tokens(settings: Settings, connections: Connections, subjects: Subjects) -> Tokens:
    def way(url: str, until: float) -> Http:
        return connections.pool.endpoint("oidc", url, until=until)

    issuers = settings.access.issuers
    return Tokens({each.issuer: (each, IssuerKeys(each, way)) for each in issuers}, subjects)
