"""`python -m experiment`: what is wrong is refused before anything starts."""

import pytest
from tests.support.recorded_invocations import died

from experiment.__main__ import main
from experiment.command import arguments, notebook_runner
from experiment.parameters.grid import GridSettings

INTO = ("20_fan_out", "-p", "run_folder")


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """Run the command, which must refuse; return what it said."""
    monkeypatch.setattr("experiment.ledger.run_folder.root", lambda: tmp_path / "root")

    def ran(*arguments):
        assert main(arguments) == 2
        assert not (tmp_path / "root").exists()
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err.removeprefix("experiment: ")

    return ran


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("20_fanout", "There is no notebook '20_fanout'. There are: 00_start"),
        *[
            (name, f"There is no notebook {name!r}.")
            for name in ("../notebooks/20_fan_out", "20_fan_out.ipynb")
        ],
        (
            "20_fan_out -p concurency 4",
            "There is no parameter 'concurency'. Did you mean 'concurrency'?\n",
        ),
        *[
            (f"20_fan_out -p files {value}", f"The value of files is {value!r}, which")
            for value in ("[1", "2024-13-45", "'1")
        ],
        *[
            (f"20_fan_out -p target {target}", f"target is {target!r}; it must be one")
            for target in ("../../../evil", "local/../../evil")
        ],
        ("20_fan_out -p target [local]", "target is ['local']; it must be one of"),
        ("20_fan_out -p target ", "target is None; it must be one of: local, aws."),
        ("", "There is no notebook ''."),
        ("20_fan_out -p resume true", "Set run_folder to the run to resume."),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_folder_is_made(
    refused, arguments, message
):
    """
    Papermill only warns of a misspelt name, and has measured something else.
    """
    assert refused(*arguments.split(" ")).startswith(message)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1: 2", "There is no parameter '1'"),
        ("waves: 4\nflies: 9\n", "no parameter 'flies'. Did you mean 'files'?"),
        (None, "cannot be read: No such file or directory. A file of parameters is"),
    ],
)
def test_a_file_that_holds_no_parameters_is_refused(refused, tmp_path, text, said):
    path = tmp_path / "big.yaml"
    if text:
        path.write_text(text)

    assert said in refused("20_fan_out", "-f", str(path))


@pytest.mark.parametrize(
    "below", ["file", "file/deeper", "/proc/x", "/sys/x", "/proc", f"a/b/{'c' * 300}"]
)
def test_a_run_folder_that_nothing_can_be_written_to_is_refused(
    refused, tmp_path, below
):
    (tmp_path / "file").write_text("")
    folder = tmp_path / below

    assert refused(*INTO, str(folder)).startswith(f"{folder} cannot be written to: ")
    assert not (tmp_path / "a").exists()  # no parent of it stays either


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("20_fan_out.ipynb", "{path} exists and would be overwritten. Set another"),
        ("run.json", "{path.parent} already holds a run."),
    ],
)
def test_what_is_in_the_run_folder_is_never_overwritten(refused, tmp_path, name, said):
    """
    `-p run_folder notebooks` would have put the executed one in the place of ours.
    """
    path = tmp_path / name
    path.write_text("somebody's")

    assert refused(*INTO, str(tmp_path)).startswith(said.format(path=path))
    assert path.read_text() == "somebody's"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_settings_file_for_aws_names_the_folder_so(tmp_path):
    """
    A run on AWS had a folder that said local; what is left on AWS was not named, too.
    """
    (tmp_path / "aws.yaml").write_text("target: aws\nfunction: ours\nfiles: 9\n")
    file = ("-p", "settings_file", str(tmp_path / "aws.yaml"))
    notebook, parameters = arguments.read(["20_fan_out", *file, "-p", "files", "7"])

    assert parameters["function"] == "ours"
    assert parameters["files"] == 7
    assert notebook_runner._folder(notebook, parameters, resumes=False).name.endswith(
        "-aws"
    )


def test_only_a_run_can_be_resumed_a_grid_cell_by_cell(refused, tmp_path):
    again = "resume", str(tmp_path)
    said = f"{tmp_path} holds no run.json: it is not the folder of a run.\n"
    assert refused(*again) == said
    died(tmp_path, GridSettings).close(verdict="")
    said = "cannot be resumed. Each cell of a grid can: name its folder."
    assert said in refused(*again)


def test_a_run_is_resumed_without_its_settings_file_found_in_the_projects_folder(
    monkeypatch, tmp_path
):
    folder = tmp_path / "results" / "a-run"
    died(folder, settings_file="gone.yaml").close(verdict="")
    monkeypatch.setattr("experiment.parameters.path_resolution.root", lambda: tmp_path)
    monkeypatch.chdir(folder)
    _, parameters = arguments.read(["resume", "results/a-run"])

    assert parameters["run_folder"] == str(folder)
    assert parameters["settings_file"] == ""
    assert parameters["files"] == 16


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:3"])
def test_a_cell_is_resumed_without_the_servers_that_ended_with_its_grid(tmp_path, url):
    """
    They are those of the grid's parameters, or new ones; the function has no keeper.
    """
    died(tmp_path, GridSettings, endpoint_url=url).close(verdict="")
    there = {"endpoint_url": "http://127.0.0.1:1", "origin_url": "http://127.0.0.1:2"}
    died(tmp_path / "cell", tear_down=False, **there).close(verdict="")
    _, parameters = arguments.read(["resume", str(tmp_path / "cell")])

    assert (parameters["endpoint_url"], parameters["origin_url"]) == (url, "")
    assert parameters["tear_down"]


def test_a_run_that_is_being_written_is_not_resumed(refused, tmp_path):
    """
    Two of them would fetch every file twice.
    """
    run = died(tmp_path)
    said = refused("resume", str(tmp_path))
    run.close(verdict="")

    assert f"{tmp_path} is in use: another process is writing this run." in said
    assert {path.name for path in tmp_path.iterdir()} == {"reports.jsonl", "run.json"}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        *[
            (words, "2", "usage:")
            for words in ("", "resume", "runner 30_grid", "20_fan_out -p files")
        ],
        ("20_fan_out results/a-run", "2", "RUN is required after resume, and allowed"),
        ("--help", "0", "exit status: 0 done"),
        ("--help", "0", "python -m experiment 30_grid -p files 2000"),
        ("20_fan_out --help", "0", "  max_cost_usd = 5.0  limit for the cost"),
    ],
)
def test_a_command_line_is_refused_or_helped_with(words, status, said, capsys):
    with pytest.raises(SystemExit, match=status):
        main(words.split())

    assert said in "".join(capsys.readouterr())
