"""Who lives in the scenarios: two invented customers, and how their accounts are used."""

from typing import NamedTuple

from ledger.sandbox.records import Customer
from ledger.sandbox.texts import CODE

ROSSI = Customer(
    nichandle="ab12345-ovh",
    subsidiary="IT",
    currency="EUR",
    organisation="Rossi Commercio S.r.l.",
    firstname="Giulia",
    name="Rossi",
    email="giulia.rossi@rossi-commercio.example",
    phone="+39.0255512345",
    address="Via dei Mercanti 12",
    city="Milano",
    zip="20121",
    vat="IT01234567897",
    language="it_IT",
    ip="203.0.113.17",
    zone="Europe/Rome",
)
MARTIN = Customer(
    nichandle="cd67890-ovh",
    subsidiary="FR",
    currency="EUR",
    organisation="Clinique Martin SAS",
    firstname="Élodie",
    name="Martin",
    email="elodie.martin@clinique-martin.example",
    phone="+33.155512345",
    address="8 rue des Lilas",
    city="Lyon",
    zip="69003",
    vat="FR40303265045",
    language="fr_FR",
    ip="198.51.100.23",
    zone="Europe/Paris",
)

SHOP_TEXTS = (
    f"Rossi: il codice del tuo ordine e' {CODE}. Grazie!",
    f"Il tuo pacco {CODE} e' in consegna oggi. Info su rossi.example/{CODE}",
    f"SALDI fino al 50% in negozio e online! Codice {CODE}. Valido fino a domenica.",
    f"Città, moda, sconti — già disponibili: codice {CODE} ✨",
    f"Gentile cliente, la fattura {CODE} è disponibile nell'area riservata. Per ogni dubbio"
    " scriva al nostro servizio clienti o passi in negozio: siamo aperti tutti i giorni"
    " dalle 9 alle 19, domenica compresa.",
)
CODE_TEXTS = (
    f"{CODE} e' il tuo codice di accesso. Non comunicarlo a nessuno.",
    f"{CODE} is your login code. Do not share it.",
)
CLINIC_TEXTS = (
    f"Clinique Martin: rappel de votre rendez-vous demain. Ref {CODE}. STOP au 36111",
    f"Vos résultats {CODE} sont disponibles sur votre espace patient.",
    f"Votre rendez-vous n° {CODE} est confirmé. Répondez OUI pour l'accepter ou NON pour"
    " l'annuler. Merci d'arriver dix minutes avant l'heure, avec votre carte vitale, votre"
    " ordonnance et la dernière lettre de votre médecin.",
    f"Noël approche 🎄 : nos horaires changent. Ref {CODE}",
)
ALERT_TEXTS = (f"[monitor] probe {CODE} is DOWN", f"[monitor] probe {CODE} is UP again")
REPLIES = ("OUI", "NON", "SI grazie", "STOP", "Ok, ci vediamo lunedì", "Merci beaucoup")
TAGS = ("promo-2026", "order", "invoice_11", "", "", "giulia.rossi@example.org", "3471234567")
CLINIC_TAGS = ("rdv", "results", "", "patient 0612345678", "j.dupont@example.org", "noel-2026")


class Login(NamedTuple):
    login: str
    quota: int  # credits; topped up when it is used up
    share: int  # of the account's messages, in 100


class Profile(NamedTuple):
    """How an account is used, and what it had before the history begins."""

    customer: str
    number: int
    description: str
    age_days: int
    messages: int  # in six months, or since the account is open
    destinations: dict[str, int]  # weights
    texts: tuple[str, ...]
    tags: tuple[str, ...]
    senders: tuple[str, ...]
    pack: int  # credits that its owner buys at once
    threshold: int = 0
    recharge: int | None = None
    smpp: bool = False
    channel: str = "both"
    replies: int = 0
    lookups: int = 0
    batches: int = 0
    auto_reply: str | None = None
    logins: tuple[Login, ...] = ()
    contacts: int = 250  # entries of its phone book

    @property
    def account(self) -> str:
        return f"sms-{self.customer.removesuffix('-ovh')}-{self.number}"


SHOP = Profile(
    customer=ROSSI.nichandle,
    number=1,
    description="Negozi",
    age_days=920,
    messages=2_400,
    destinations={
        "it": 80,
        "sm": 2,
        "va": 1,
        "fr": 5,
        "ch": 4,
        "de": 3,
        "es": 2,
        "us": 2,
        "ca": 1,
    },
    texts=SHOP_TEXTS,
    tags=TAGS,
    senders=("ROSSI", "RossiShop", "+393471112233"),
    pack=500,
    threshold=100,
    recharge=500,
    channel="marketing",
    lookups=25,
    batches=2,
)
CODES = Profile(
    customer=ROSSI.nichandle,
    number=2,
    description="Codici di accesso",
    age_days=610,
    messages=1_500,
    destinations={"it": 60, "in": 8, "gb": 8, "us": 6, "es": 5, "ro": 5, "pl": 4, "br": 4},
    texts=CODE_TEXTS,
    tags=("login", "otp.2fa", ""),
    senders=("ROSSI-ID",),
    pack=500,
    channel="transactional",
    logins=(
        Login("webshop", 200, 60),
        Login("app-mobile", 100, 25),
        Login("cassa3471234567", 20, 5),
    ),
)
YOUNG = Profile(
    customer=ROSSI.nichandle,
    number=3,
    description="Outlet",
    age_days=100,
    messages=450,
    destinations={"it": 90, "at": 5, "si": 5},
    texts=SHOP_TEXTS,
    tags=("outlet-2026", ""),
    senders=("OUTLET",),
    pack=250,
    replies=6,
    lookups=8,
)
CLINIC = Profile(
    customer=MARTIN.nichandle,
    number=1,
    description="Rendez-vous",
    age_days=1_250,
    messages=1_250,
    destinations={"fr": 84, "re": 4, "gp": 2, "mq": 1, "be": 4, "ch": 3, "ma": 1, "dz": 1},
    texts=CLINIC_TEXTS,
    tags=CLINIC_TAGS,
    senders=("CLINIQUE", ""),
    pack=500,
    threshold=80,
    recharge=200,
    replies=90,
    lookups=15,
    auto_reply="Merci, votre message est bien reçu.",
)
MONITOR = Profile(
    customer=MARTIN.nichandle,
    number=2,
    description="Supervision (SMPP)",
    age_days=420,
    messages=400,
    destinations={"fr": 90, "de": 5, "gb": 5},
    texts=ALERT_TEXTS,
    tags=("probe",),
    senders=("MONITOR",),
    pack=250,
    smpp=True,
    channel="transactional",
)

DEFAULT = (SHOP, CODES, YOUNG, CLINIC, MONITOR)
SMALL = (
    SHOP._replace(messages=140, pack=100, threshold=20, recharge=100, lookups=4, batches=0),
    YOUNG._replace(
        number=2,
        messages=60,
        pack=100,
        replies=2,
        lookups=2,
        logins=(Login("webshop", 40, 50),),
    ),
)
