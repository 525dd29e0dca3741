"""The words of the accountant's reports in Italian, French and English, as the field uses them.

What has no entry here is shown under its own name. JSON keeps the names of fields always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

Language = Literal["it", "fr", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


class Words(NamedTuple):
    """One meaning in each language."""

    it: str
    fr: str
    en: str


COLUMNS: Final[Mapping[str, Words]] = {
    "customer": Words("cliente", "client", "customer"),
    "account": Words("conto SMS", "compte SMS", "SMS account"),
    "period": Words("periodo", "période", "period"),
    "happened_at": Words("data dell'operazione", "date de l'opération", "date of operation"),
    "recorded_at": Words("data di registrazione", "date d'enregistrement", "recorded at"),
    "kind": Words("causale", "nature", "kind"),
    "credits": Words("crediti", "crédits", "credits"),
    "balance": Words("saldo", "solde", "balance"),
    "reference": Words("riferimento", "référence", "reference"),
    "count": Words("numero", "nombre", "count"),
    "paid": Words("lotti imputati", "lots imputés", "lots drawn"),
    "lot": Words("lotto", "lot", "lot"),
    "bought_at": Words("data di acquisto", "date d'achat", "bought at"),
    "bought_by": Words("acquistato da", "acheté par", "bought by"),
    "bill": Words("fattura", "facture", "invoice"),
    "left": Words("crediti residui", "crédits restants", "credits left"),
    "value": Words("valore", "valeur", "value"),
    "currency": Words("valuta", "devise", "currency"),
    "net": Words("importo netto", "montant HT", "net"),
    "left_net": Words("importo netto residuo", "montant HT restant", "net left"),
    "vat": Words("IVA", "TVA", "VAT"),
    "cost": Words("costo", "coût", "cost"),
    "left_cost": Words("costo residuo", "coût restant", "cost left"),
    "position": Words("posizione nel registro", "position au journal", "log position"),
    "sms": Words("SMS", "SMS", "SMS"),
    "unvalued": Words("crediti di costo ignoto", "crédits de coût inconnu", "unvalued credits"),
    "prior_credits": Words(
        "crediti di periodi precedenti", "crédits de périodes antérieures",
        "credits, prior periods",
    ),
    "prior_net": Words(
        "importo netto di periodi precedenti", "montant HT de périodes antérieures",
        "net, prior periods",
    ),
    "prior_cost": Words(
        "costo di periodi precedenti", "coût de périodes antérieures", "cost, prior periods"
    ),
    "tag": Words("etichetta", "étiquette", "tag"),
    "country": Words("paese", "pays", "country"),
    "observed_at": Words("data della lettura OVH", "date du relevé OVH", "OVH read at"),
    "drift": Words("scostamento", "écart", "drift"),
    "residual": Words("differenza non spiegata", "écart inexpliqué", "unexplained residual"),
    "entry": Words("n. registrazione", "n° d'écriture", "entry"),
    "day": Words("data", "date", "date"),
    "code": Words("conto", "compte", "account"),
    "label": Words("descrizione del conto", "libellé du compte", "account label"),
    "piece": Words("documento", "pièce", "document"),
    "debit": Words("dare", "débit", "debit"),
    "credit": Words("avere", "crédit", "credit"),
    "role": Words("funzione", "rôle", "role"),
    "since": Words("dal", "depuis", "since"),
    "actor": Words("autore", "auteur", "actor"),
    "batch": Words("campagna", "campagne", "batch"),
    "user": Words("utente", "utilisateur", "user"),
    "posted": Words("mese di registrazione", "mois de comptabilisation", "posted in"),
    "happened_on": Words("data dell'operazione", "date de l'opération", "happened on"),
}  # fmt: skip

# Kinds of movements, lots and draws; and what else stands in a column of words of ours.
VALUES: Final[Mapping[str, Words]] = {
    "opening": Words("saldo di apertura", "solde de reprise", "opening balance"),
    "brought-forward": Words("saldo iniziale", "solde d'ouverture", "brought forward"),
    "prior-period": Words(
        "rettifica di mesi chiusi", "régularisation de mois clos", "prior period"
    ),
    "closing": Words("saldo finale", "solde de clôture", "closing balance"),
    "consumption": Words("consumo SMS", "consommation de SMS", "SMS consumption"),
    "reply": Words("risposte ricevute", "réponses reçues", "replies"),
    "hlr": Words("verifiche HLR", "vérifications HLR", "HLR lookups"),
    "cleaning": Words("pulizia rubrica", "nettoyage de liste", "list cleaning"),
    "correction": Words("rettifica di consumo", "correction de consommation", "correction"),
    "purchase": Words("acquisto", "achat", "purchase"),
    "recharge": Words("ricarica automatica", "recharge automatique", "automatic recharge"),
    "gift": Words("crediti omaggio", "crédits offerts", "free credits"),
    "refund": Words("rimborso", "remboursement", "refund"),
    "refund-beyond": Words(
        "rimborso oltre il lotto", "remboursement au-delà du lot", "refund beyond its lot"
    ),
    "adjustment": Words("rettifica", "ajustement", "adjustment"),
    "write-off": Words("stralcio", "passage en perte", "write-off"),
    "transfer": Words("trasferimento", "transfert", "transfer"),
    "transfer-in": Words("trasferimento in entrata", "transfert entrant", "transfer in"),
    "transfer-out": Words("trasferimento in uscita", "transfert sortant", "transfer out"),
    "covered": Words(
        "copertura di consumi precedenti",
        "couverture de consommations antérieures",
        "earlier use covered",
    ),
    "used": Words("consumo", "consommation", "used"),
    "uncovered": Words("scoperto", "découvert", "uncovered"),
    "total": Words("totale", "total", "total"),
    "(none)": Words("(nessuno)", "(aucun)", "(none)"),
    "(prior-period)": Words("(periodi precedenti)", "(périodes antérieures)", "(prior-period)"),
}

# All words of this column are ours; in others, which hold names from elsewhere, these alone.
_OF_KINDS: Final = "kind"
_TOTAL: Final = ("total", frozenset(("account", "period")))
_NONE: Final = ("(none)", frozenset(("tag", "batch", "user")))
_PRIOR: Final = ("(prior-period)", frozenset(("tag", "batch", "user", "country")))

# What reports and their parts are called: titles, and the names of sheets (31 characters).
TITLES: Final[Mapping[str, Words]] = {
    "stmt": Words("Estratto conto crediti SMS", "Relevé de crédits SMS", "Statement"),
    "value": Words("Risconti attivi", "Charges constatées d'avance", "Prepaid value"),
    "lots": Words("Lotti di crediti", "Lots de crédits", "Lots of credits"),
    "lots-draws": Words("Utilizzo dei lotti", "Utilisation des lots", "Draws of lots"),
    "cost": Words("Costo di competenza", "Coût de la période", "Cost of the period"),
    "sheet": Words("Scheda di chiusura", "Feuille de clôture", "Period-end sheet"),
    "entries": Words("Scritture contabili", "Écritures comptables", "Entries"),
    "account-entries": Words("Conti contabili", "Comptes comptables", "Accounts of entries"),
    "checks": Words("Riscontro con OVH", "Rapprochement avec OVH", "Held against OVH"),
    "about": Words("Informazioni", "Informations", "About"),
}

PHRASES: Final[Mapping[str, Words]] = {
    "nothing": Words("nulla da mostrare", "rien à afficher", "nothing to show"),
    "report": Words("prospetto", "état", "report"),
    "log position": Words("posizione nel registro", "position au journal", "log position"),
    "checkpoint": Words("punto di controllo", "point de contrôle", "checkpoint"),
    "checkpoint of": Words("punto di controllo di", "point de contrôle de", "checkpoint of"),
    "as of": Words("alla data del", "à la date du", "as of"),
    "journal": Words("Crediti SMS", "Crédits SMS", "SMS credits"),
    "note": Words("nota", "note", "note"),
}


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one language."""

    language: Language

    def _in(self, words: Words) -> str:
        return str(getattr(words, self.language))

    def column(self, name: str) -> str:
        """Give the heading of a column."""
        return self._in(COLUMNS[name]) if name in COLUMNS else name.replace("_", " ")

    def value(self, column: str, value: Any) -> Any:
        """Give a cell's word of ours; what comes from elsewhere stays as it is."""
        ours = column == _OF_KINDS or any(
            value == word and column in of for word, of in (_TOTAL, _NONE, _PRIOR)
        )
        return self._in(VALUES[value]) if ours and value in VALUES else value

    def title(self, name: str) -> str:
        """Give what a report or a part is called."""
        return self._in(TITLES[name]) if name in TITLES else name.replace("-", " ")

    def phrase(self, name: str) -> str:
        return self._in(PHRASES[name])
