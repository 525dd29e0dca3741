"""The page on which a customer grants a requested key its rules, or refuses them."""

from ledger.sandbox.records import Credential
from ledger.sandbox.world import World

PENDING = "pendingValidation"


def waiting(world: World, token: str = "") -> Credential | None:
    """Find the key that waits for this page, or the newest one that waits at all."""
    pending = [key for key in world.credentials.values() if key.status == PENDING]
    found = [key for key in pending if token in ("", key.token)]
    return found[-1] if found else None


def answer(
    world: World, key: Credential, *, refuse: bool = False, customer: str = "", seconds: int = 0
) -> str:
    """Answer as the `customer` who logged in on the page; the key is theirs then."""
    if refuse:
        key.status = "refused"
        if world.knobs.refused_key == "gone":
            del world.credentials[key.consumer_key]
        return f"refused by {key.customer}"
    lasting = seconds or world.knobs.validated_for_s
    key.customer = customer or key.customer
    key.status = "validated"
    key.expires_at = world.now + lasting if lasting else None
    return f"validated for {key.customer}"
