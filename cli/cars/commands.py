"""The cars: bring a designer's cut-out in, judge what is there, list it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.options import fail
from shared.errors import InvalidInput
from shared.workflows import FOLDER as WORKFLOWS

if TYPE_CHECKING:
    from cli.cars.unmixing import Findings

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False)

CARS = WORKFLOWS / "cars"

Folder = Annotated[Path, typer.Option("--cars", help="Folder of the packs.", file_okay=False)]


@app.command("import")
def import_(
    picture: Annotated[Path, typer.Argument(help="The cut-out, PNG or TIFF with alpha.", exists=True, dir_okay=False)],
    model: Annotated[str, typer.Option(help="The model: the folder's name, and car.model of a trip.")],
    view: Annotated[str, typer.Option(help="The view: three_quarter, side, or one of your own.")],
    colour: Annotated[str, typer.Option(help="The colour: car.colour of a trip.")],
    light: Annotated[str, typer.Option(help="studio, noon, dusk, overcast or night.")] = "studio",
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="Measures, names and points as in car.toml, points in this picture's pixels.", dir_okay=False
        ),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="One key of it, such as views.side.horizon_y=67.")
    ] = None,
    badge: Annotated[Path | None, typer.Option(help="The badge white on black, of the picture's size.")] = None,
    profile: Annotated[str | None, typer.Option(help="What an untagged picture is: srgb, p3 or adobe.")] = None,
    premultiplied: Annotated[bool, typer.Option("--premultiplied", help="Colours are multiplied by alpha.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of the one that is there.")] = False,
    width_px: Annotated[int, typer.Option("--width", help="Widest that the pack's picture becomes, in pixels.")] = 1400,
    cars: Folder = CARS,
    sheet: Annotated[Path | None, typer.Option(help="The before/after sheet, PNG or JPEG.", dir_okay=False)] = None,
) -> None:
    """Make a designer's cut-out a part of a pack: free it of its studio, crop it, and show before and after."""
    from cli.cars.importing import Request, bring_in
    from cli.cars.sheet import draw_sheet, write_sheet

    request = Request(
        picture=picture,
        model=model,
        view=view,
        colour=colour,
        light=light,
        manifest=manifest,
        settings=tuple(settings or ()),
        badge=badge,
        profile=profile,
        premultiplied=premultiplied,
        replace=replace,
        width_px=width_px,
    )
    shown = sheet or Path("out") / "cars" / f"{model}-{view}-{colour}-{light}.jpg"
    if shown.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        fail("--sheet: a name that ends with .png or .jpg")
    try:
        done = bring_in(request, cars)
    except InvalidInput as error:
        fail(str(error))
    size = done.view.size_px
    title = f"{model} · {view} · {colour} · {light} · {size[0]}×{size[1]}"
    write_sheet(shown, draw_sheet(done.before, done.after, done.badge, title))
    console.print(f"{cars / model}: {view} in {colour}, {light} light, {size[0]} x {size[1]} px", soft_wrap=True)
    console.print(f"colour   {done.space}, converted to linear light of Rec. 709")
    console.print(f"cut-out  {_told(done.findings)}", soft_wrap=True)
    console.print(f"edge     {done.edge.soft_px:.2f} px wide")
    if done.specks_px:
        console.print(f"specks   {done.specks_px} pixels away from the car were removed")
    console.print(f"sheet    {shown}", soft_wrap=True)


def _told(findings: Findings) -> str:
    if findings.kind == "clean":
        return "clean; no backdrop explains its soft pixels"
    light = "in linear light" if findings.mixed_in == "linear" else "in codes, as a paint program mixes"
    if findings.kind == "premultiplied":
        return "premultiplied; taken apart"
    backdrop = ", ".join(str(value) for value in findings.backdrop or ())
    return f"contaminated by a backdrop around ({backdrop}), mixed {light}; {findings.residual:.1%} is left unexplained"


@app.command()
def check(cars: Folder = CARS) -> None:
    """Judge every pack: manifest, camera, lights, files, edges on flat colours. Status 1 when one is unfit."""
    from cli.cars.checking import judge, packs_in

    packs = packs_in(cars)
    if not packs:
        fail(f"{cars}: at least one <model>/car.toml")
    table = Table("model", "view", "colour", "lights", "edge px", "halo ΔE00", box=None)
    problems: list[str] = []
    for pack in packs:
        verdict = judge(pack)
        problems += verdict.problems
        for each in verdict.judged:
            measured = f"{each.soft_px:.2f}", f"{each.halo_delta_e00:.1f}"
            table.add_row(verdict.model, each.view, each.colour, " ".join(each.lights), *measured)
    _wide().print(table)
    for problem in problems:
        console.print(f"[red]{escape(problem)}[/red]", soft_wrap=True)
    console.print(f"packs: {len(packs)}, problems: {len(problems)}")
    raise typer.Exit(1 if problems else 0)


@app.command("list")
def list_(cars: Folder = CARS) -> None:
    """List the models with their views, colours, lights and sizes."""
    from cli.cars.checking import packs_in
    from shared.pictures.composition.manifest import BadPack, read_manifest
    from shared.pictures.composition.packs import colour_file

    table = Table("model", "view", "size px", "colour", "lights", box=None)
    broken = []
    for pack in packs_in(cars):
        try:
            manifest = read_manifest(pack)
        except BadPack as error:
            broken.append(str(error))
            continue
        for view in manifest.views.values():
            for colour, (zh, en) in manifest.colours.items():
                there = [name for name in manifest.lights if (pack / colour_file(view.view_id, colour, name)).is_file()]
                if there:
                    size = f"{view.size_px[0]} x {view.size_px[1]}"
                    table.add_row(
                        f"{manifest.model} {manifest.name_zh} {manifest.name_en}",
                        f"{view.view_id} {view.name_zh}",
                        size,
                        f"{colour} {zh} {en}",
                        " ".join(there),
                    )
    _wide().print(table)
    for problem in broken:
        console.print(f"[red]{escape(problem)}[/red]", soft_wrap=True)
    raise typer.Exit(1 if broken else 0)


def _wide() -> Console:
    # As wide as it needs: a list that is compared must not be cut to the terminal.
    return Console(highlight=False, width=200 if not console.is_terminal else None)
