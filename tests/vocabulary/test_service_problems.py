from __future__ import annotations

import hashlib
import re
from collections import Counter

import pyoxigraph
import pytest
import rdflib
from rdflib.namespace import DCTERMS, OWL, RDF, SKOS

from ckanext.marathon.vocabulary import authorities, codes, problems, schemes
from ckanext.marathon.vocabulary.codes import MalformedCode, MalformedData, UnknownCode, fold_text

BASE = "https://datos.example.gt/vocabulary/"
SCHEME = rdflib.URIRef(BASE + "service-problem")

# A version once published keeps its content: an edit of the taxonomy needs a new version here.
VERSIONS = {"0.1-draft": "d2348ac1400f5dc9d996985cffcae336c22d2bb563e5d09f3f8fa6c1fa77134b"}


@pytest.fixture(scope="module")
def graph() -> rdflib.Graph:
    return rdflib.Graph().parse(codes.read_taxonomy_bytes(), format="turtle", publicID=BASE)


def oxigraph_triples(base: str) -> set[str]:
    quads = pyoxigraph.parse(
        codes.read_taxonomy_bytes(), format=pyoxigraph.RdfFormat.TURTLE, base_iri=base
    )
    return {f"{each.subject} {each.predicate} {each.object}" for each in quads}


class TestTurtle:
    def test_rdflib_and_pyoxigraph_read_the_same_1349_triples(self, graph: rdflib.Graph) -> None:
        read = {" ".join(node.n3() for node in triple) for triple in graph}
        assert len(read) == 1349
        assert read == oxigraph_triples(BASE)

    def test_the_content_is_that_of_its_version(self) -> None:
        triples = "\n".join(sorted(oxigraph_triples("https://example.org/vocabulary/")))
        digest = hashlib.sha256(triples.encode()).hexdigest()
        assert VERSIONS[problems.get_problem_scheme().version] == digest

    def test_iris_are_relative_to_the_vocabulary_base(self, graph: rdflib.Graph) -> None:
        assert (SCHEME, RDF.type, SKOS.ConceptScheme) in graph
        for concept in [*problems.list_areas(), *problems.list_problems()]:
            iri = rdflib.URIRef(
                BASE + schemes.build_concept_path("service-problem", concept.notation)
            )
            assert (iri, SKOS.inScheme, SCHEME) in graph
            assert graph.value(iri, SKOS.notation) == rdflib.Literal(concept.notation)

    def test_no_placeholder_is_left(self) -> None:
        text = codes.read_taxonomy_bytes().decode()
        assert "w3id.org" not in text
        assert "PLACEHOLDER" not in text.upper()
        assert "editorialNote" not in text

    def test_the_licence_is_stated_inside(self, graph: rdflib.Graph) -> None:
        licence = rdflib.URIRef("https://creativecommons.org/licenses/by/4.0/")
        assert list(graph.objects(SCHEME, DCTERMS.license)) == [licence]
        assert problems.get_problem_scheme().licence == str(licence)

    def test_the_scheme_has_title_and_description_in_both_languages(
        self, graph: rdflib.Graph
    ) -> None:
        about = problems.get_problem_scheme()
        assert about.title == {
            "es": "Problemas de servicios municipales",
            "en": "Municipal service problems",
        }
        assert about.description.keys() == {"es", "en"}
        assert str(graph.value(SCHEME, OWL.versionInfo)) == about.version

    def test_broader_and_narrower_agree(self, graph: rdflib.Graph) -> None:
        down = {(child, parent) for parent, child in graph.subject_objects(SKOS.narrower)}
        assert down == set(graph.subject_objects(SKOS.broader))
        tops = set(graph.objects(SCHEME, SKOS.hasTopConcept))
        assert tops == set(graph.subjects(SKOS.topConceptOf, SCHEME))
        assert len(tops) == 13


class TestConcepts:
    def test_there_are_13_areas_and_60_problems(self) -> None:
        assert len(problems.list_areas()) == 13
        assert len(problems.list_problems()) == 60

    def test_the_tree_holds_each_problem_once_under_its_area(self) -> None:
        tree = problems.list_branches()
        assert [branch.area for branch in tree] == list(problems.list_areas())
        assert [each for branch in tree for each in branch.problems] == list(
            problems.list_problems()
        )
        for branch in tree:
            assert branch.area.is_area
            assert branch.problems
            assert {each.broader for each in branch.problems} == {branch.area.notation}
            assert not any(each.is_area or each.narrower for each in branch.problems)

    def test_notations_are_unique_and_begin_with_their_area(self) -> None:
        everything = [*problems.list_areas(), *problems.list_problems()]
        assert len({each.notation for each in everything}) == 73
        for each in problems.list_areas():
            assert re.fullmatch("[A-Z]{3}", each.notation)
        for each in problems.list_problems():
            assert re.fullmatch(rf"{each.broader}-[0-9]{{2}}", each.notation)

    @pytest.mark.parametrize("lang", ["es", "en"])
    def test_every_concept_has_label_and_definition_and_no_empty_synonym(self, lang: str) -> None:
        for each in [*problems.list_areas(), *problems.list_problems()]:
            assert each.pref_label[lang].strip()
            assert each.definition[lang].strip()
            assert all(text.strip() for text in each.alt_labels[lang])
            assert each.label(lang) == each.pref_label[lang]

    @pytest.mark.parametrize("lang", ["es", "en"])
    def test_no_two_concepts_share_a_label(self, lang: str) -> None:
        names = Counter(
            fold_text(text)
            for each in [*problems.list_areas(), *problems.list_problems()]
            for text in (each.pref_label[lang], *each.alt_labels[lang])
        )
        assert names.most_common(1)[0][1] == 1

    def test_every_concept_has_a_known_eu_theme(self) -> None:
        for each in [*problems.list_areas(), *problems.list_problems()]:
            assert each.eu_themes, each.notation
            for iri, match in each.eu_themes:
                theme = authorities.find_theme(iri)
                assert theme is not None
                assert theme.iri == iri
                assert theme.code != "OP_DATPRO"
                assert match in {"closeMatch", "broadMatch"}

    def test_every_concept_is_related_to_sdg_goals_or_targets(self) -> None:
        pattern = r"http://metadata\.un\.org/sdg/(1[0-7]|[1-9])(\.([1-9][0-9]?|[a-d]))?"
        for each in [*problems.list_areas(), *problems.list_problems()]:
            assert each.sdg, each.notation
            assert all(re.fullmatch(pattern, iri) for iri in each.sdg), each.sdg

    def test_cofog_codes_are_divisions_or_groups_and_only_the_cemetery_has_none(self) -> None:
        without = []
        for each in [*problems.list_areas(), *problems.list_problems()]:
            if each.cofog is None:
                without.append(each.notation)
            else:
                assert re.fullmatch(r"(0[1-9]|10)(\.[1-9])?", each.cofog)
        assert without == ["TER-02"]

    def test_a_label_falls_back_to_spanish(self) -> None:
        area = problems.get_problem("AGU")
        assert area.label() == area.label("es_GT") == area.label("quc") == "Agua potable"
        assert area.label("en-US") == "Drinking water"

    def test_labels_are_read_only(self) -> None:
        with pytest.raises(TypeError):
            problems.get_problem("AGU").pref_label["es"] = "?"  # pyright: ignore[reportIndexIssue]

    @pytest.mark.parametrize("notation", ["AGU-99", "agu", "AGU-1", " AGU", "", "XXX", None, []])
    def test_an_unknown_notation_is_an_error_that_names_it(self, notation: object) -> None:
        with pytest.raises(UnknownCode, match="No service-problem has the code"):
            problems.get_problem(notation)  # pyright: ignore[reportArgumentType]

    def test_narrower_or_self_of_an_area_holds_its_problems(self) -> None:
        found = problems.list_narrower_or_self("DRE")
        assert found == ("DRE", "DRE-01", "DRE-02", "DRE-03", "DRE-04")
        assert problems.list_narrower_or_self("DRE-02") == ("DRE-02",)
        with pytest.raises(UnknownCode):
            problems.list_narrower_or_self("DRE-99")

    @pytest.mark.parametrize(
        ("given", "notation", "repaired"),
        [
            ("AGU-01", "AGU-01", False),
            ("AGU", "AGU", False),
            ("agu-01", "AGU-01", True),
            (" AGU-1 ", "AGU-01", True),
            ("agu 1", "AGU-01", True),
            ("AGU_01", "AGU-01", True),
            ("agu01", "AGU-01", True),
        ],
    )
    def test_notations_from_spreadsheets_are_repaired(
        self, given: str, notation: str, repaired: bool
    ) -> None:
        assert problems.repair_notation(given) == (notation, repaired)

    @pytest.mark.parametrize(
        "given", ["", "AG-01", "AGUA", "AGU-", "AGU-001", "AGU-01; AGU-02", "Ágü-01", None, 1]
    )
    def test_a_malformed_notation_is_refused(self, given: object) -> None:
        with pytest.raises(MalformedCode):
            problems.repair_notation(given)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("turtle", "message"),
    [
        ("<service-problem/AGU> <#a> [ <#b> 1 ] .", "blank nodes are not used here"),
        ("<service-problem/AGU> <#a>", "not Turtle, line 1"),
        ("\x00", "not Turtle"),
    ],
)
def test_a_malformed_taxonomy_is_an_error_that_names_the_file(turtle: str, message: str) -> None:
    with pytest.raises(MalformedData, match=f"service_problems.ttl: {message}"):
        problems.read_taxonomy(turtle.encode())
