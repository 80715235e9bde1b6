// While background work is under way the page is loaded anew every few seconds.
if (document.querySelector("[data-under-way]")) setTimeout(() => location.replace(location.href), 4000);
